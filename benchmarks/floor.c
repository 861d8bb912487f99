// floor ROOTFS CGROUP: the least that a container costs on this kernel. It makes and removes the containers of the benchmark of
// the API (five new namespaces, a cgroup with device rules in every hierarchy, a read-only root with /proc and /dev, its
// default devices, one static program that exits at once) with nothing but their system calls: no spec is read, nothing
// is recorded. What a supervisor takes longer is its own.
//
// For each line "IN_FLIGHT LIVES" on its input it makes LIVES containers, IN_FLIGHT at a time, and prints the milliseconds that
// all of them took. Build: gcc -O2 floor.c -o floor
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_HIERARCHIES = 16, MOST_IN_FLIGHT = 64, PATH = 512 };
#define HIERARCHIES "/sys/fs/cgroup"

static char hierarchies[MOST_HIERARCHIES][PATH]; // of cgroup v1
static char unified[PATH];                       // of cgroup v2, or empty
static int hierarchy_count;
static char cpus[PATH], mems[PATH]; // of the root cpuset: a new one is empty, and takes no process

static const struct { const char *name; unsigned major, minor; } devices[] = {
  {"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};
static const char *const links[][2] = {
  {"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
  {"pts/ptmx", "ptmx"},
};

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

__attribute__((format(printf, 2, 3))) static const char *format(char *into, const char *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  if (vsnprintf(into, PATH, text, arguments) >= PATH) errx(1, "%s...: the path is too long", into);
  va_end(arguments);
  return into;
}

static void put(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, text, strlen(text)) < 0) err(1, "write \"%s\" to %s", text, path);
  close(file);
}

// A file of the cgroup pseudo file system that holds one short line; empty where there is none.
static void get(const char *path, char *into) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? 0 : read(file, into, PATH - 1);
  into[length > 0 ? length : 0] = 0;
  if (file >= 0) close(file);
}

static void find_hierarchies(void) {
  char path[PATH];
  if (access(HIERARCHIES "/cgroup.controllers", F_OK) == 0) {
    strcpy(unified, HIERARCHIES);
    return;
  }
  DIR *directory = opendir(HIERARCHIES);
  if (!directory) err(1, "opendir %s", HIERARCHIES);
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue; // others are links: cpu -> cpu,cpuacct
    format(path, HIERARCHIES "/%s/cgroup.controllers", entry->d_name);
    if (access(path, F_OK) == 0) format(unified, HIERARCHIES "/%s", entry->d_name);
    format(path, HIERARCHIES "/%s/tasks", entry->d_name);
    if (access(path, F_OK) != 0) continue;
    if (hierarchy_count == MOST_HIERARCHIES) errx(1, "more than %d hierarchies in %s", MOST_HIERARCHIES, HIERARCHIES);
    format(hierarchies[hierarchy_count++], HIERARCHIES "/%s", entry->d_name);
  }
  closedir(directory);
  get(HIERARCHIES "/cpuset/cpuset.cpus", cpus);
  get(HIERARCHIES "/cpuset/cpuset.mems", mems);
}

static int is(const char *hierarchy, const char *controller) {
  return strcmp(hierarchy + sizeof HIERARCHIES, controller) == 0;
}

// The cgroup of a container, or of all of them, in one hierarchy.
static void make_cgroup(const char *hierarchy, const char *cgroup) {
  char path[PATH];
  if (mkdir(format(path, "%s/%s", hierarchy, cgroup), 0755) != 0 && errno != EEXIST) err(1, "mkdir %s", path);
  if (is(hierarchy, "cpuset")) {
    put(format(path, "%s/%s/cpuset.cpus", hierarchy, cgroup), cpus);
    put(format(path, "%s/%s/cpuset.mems", hierarchy, cgroup), mems);
  }
}

static void limit_devices(const char *hierarchy, const char *cgroup) {
  char path[PATH], rule[PATH];
  put(format(path, "%s/%s/devices.deny", hierarchy, cgroup), "a");
  format(path, "%s/%s/devices.allow", hierarchy, cgroup);
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    put(path, format(rule, "c %u:%u rwm", devices[i].major, devices[i].minor));
  put(path, "c 136:* rwm"); // terminals
  put(path, "c 5:2 rwm");
}

static void must(int result, const char *what) {
  if (result != 0) {
    perror(what);
    _exit(126);
  }
}

// In the child, before its program.
static void become_container(const char *root, const int *tasks) {
  // "tasks" moves only this thread: unlike cgroup.procs it does not wait until no thread is forked anywhere.
  for (int i = 0; i < hierarchy_count; i++)
    if (write(tasks[i], "0", 1) != 1) must(-1, "write tasks");
  must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount / private");
  must(mount(root, root, NULL, MS_BIND | MS_REC, NULL), "bind the root");
  must(chdir(root), "chdir to the root");
  must(mount("proc", "proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL), "mount proc");
  must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"), "mount dev");
  umask(0);
  char path[PATH];
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    must(mknod(format(path, "dev/%s", devices[i].name), S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)), path);
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    must(symlink(links[i][0], format(path, "dev/%s", links[i][1])), path);
  must(mount(NULL, ".", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), "make the root read-only");
  must(sethostname("bench", 5), "sethostname");
  must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(umount2(".", MNT_DETACH), "umount the old root");
  must(chdir("/"), "chdir /");
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  execl("/bin/busybox", "/bin/busybox", "true", (char *)NULL);
  must(-1, "execve /bin/busybox");
}

static void live(const char *root, const char *cgroup) {
  char path[PATH];
  int tasks[MOST_HIERARCHIES];
  for (int i = 0; i < hierarchy_count; i++) {
    make_cgroup(hierarchies[i], cgroup);
    if (is(hierarchies[i], "devices")) limit_devices(hierarchies[i], cgroup);
    tasks[i] = open(format(path, "%s/%s/tasks", hierarchies[i], cgroup), O_WRONLY | O_CLOEXEC);
    if (tasks[i] < 0) err(1, "open %s", path);
  }
  struct clone_args how = {
    .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET,
    .exit_signal = SIGCHLD,
  };
  int into = -1;
  if (unified[0]) {
    make_cgroup(unified, cgroup);
    into = open(format(path, "%s/%s", unified, cgroup), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (into < 0) err(1, "open %s", path);
    how.flags |= CLONE_INTO_CGROUP;
    how.cgroup = into;
  }
  pid_t child = syscall(SYS_clone3, &how, sizeof how);
  if (child < 0) err(1, "clone3");
  if (child == 0) become_container(root, tasks);
  int status;
  if (waitpid(child, &status, 0) != child) err(1, "waitpid");
  if (status != 0) errx(1, "the container exited with wait status %#x", status);
  for (int i = 0; i < hierarchy_count; i++) {
    close(tasks[i]);
    if (rmdir(format(path, "%s/%s", hierarchies[i], cgroup)) != 0) err(1, "rmdir %s", path);
  }
  if (into >= 0) {
    close(into);
    if (rmdir(format(path, "%s/%s", unified, cgroup)) != 0) err(1, "rmdir %s", path);
  }
}

// Each worker is a process: nothing is shared that a lock would have to guard.
static void run(const char *root, const char *parent, int in_flight, int lives) {
  pid_t workers[MOST_IN_FLIGHT];
  for (int i = 0; i < in_flight; i++) {
    workers[i] = fork();
    if (workers[i] < 0) err(1, "fork");
    if (workers[i] > 0) continue;
    char cgroup[PATH];
    format(cgroup, "%s/%d", parent, getpid());
    for (int n = i; n < lives; n += in_flight) live(root, cgroup);
    _exit(0);
  }
  for (int i = 0; i < in_flight; i++) {
    int status;
    if (waitpid(workers[i], &status, 0) != workers[i] || status != 0) errx(1, "a worker has failed");
  }
}

int main(int count, char **arguments) {
  if (count != 3) errx(2, "usage: floor ROOTFS CGROUP");
  find_hierarchies();
  for (char *end = arguments[2]; end; ) { // and what it is in
    if ((end = strchr(end, '/'))) *end = 0;
    for (int i = 0; i < hierarchy_count; i++) make_cgroup(hierarchies[i], arguments[2]);
    if (unified[0]) make_cgroup(unified, arguments[2]);
    if (end) *end++ = '/';
  }
  int in_flight, lives;
  while (scanf("%d %d", &in_flight, &lives) == 2) {
    if (in_flight < 1 || in_flight > MOST_IN_FLIGHT || lives < 1)
      errx(2, "input: 1 to %d in flight, 1 or more lives", MOST_IN_FLIGHT);
    double began = milliseconds();
    if (in_flight > 1) {
      run(arguments[1], arguments[2], in_flight, lives);
    } else {
      char cgroup[PATH];
      format(cgroup, "%s/%d", arguments[2], getpid());
      for (int i = 0; i < lives; i++) live(arguments[1], cgroup);
    }
    printf("%.4f\n", milliseconds() - began);
    fflush(stdout);
  }
}
