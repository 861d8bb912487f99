using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>
/// The worst case of CVE-2016-9962: a container with CAP_SYS_PTRACE and no user namespace inspects every process that appears
/// in it from the first moment. It must find nothing of the runtime: no executable, mapping, memory or descriptor.
/// </summary>
public sealed class OciSpyTests : IDisposable
{
    private const int Spawns = 100;

    /// <summary>Pids are assigned in sequence, so it waits for the next one.</summary>
    private const string Spy = """
        #define _GNU_SOURCE
        #include <dirent.h>
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/uio.h>
        #include <unistd.h>
        static char text[1 << 16], path[64], name[300], target[4096];
        static void show(int pid, const char *what) {
            snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
            ssize_t n = readlink(path, target, sizeof target - 1);
            if (n > 0) { target[n] = 0; printf("%s %s\n", what, target); }
        }
        static int next_after(int pid) {
            int next = 0;
            DIR *d = opendir("/proc");
            for (struct dirent *e; d && (e = readdir(d));) { int p = atoi(e->d_name); if (p > pid && (!next || p < next)) next = p; }
            if (d) closedir(d);
            return next;
        }
        int main(void) {
            int pid = getpid() + 1, idle = 0;
            puts("watching"); fflush(stdout);
            for (;;) {
                snprintf(path, sizeof path, "/proc/%d/maps", pid);
                int maps = open(path, O_RDONLY);
                if (maps < 0) {
                    if (++idle % 512 == 0) { int next = next_after(pid); if (next) pid = next; fflush(stdout); }
                    continue;
                }
                for (int look = 0; look < 40; look++) {
                    show(pid, "exe");
                    ssize_t n = pread(maps, text, sizeof text - 1, 0);
                    text[n > 0 ? n : 0] = 0;
                    unsigned long from; char byte;
                    struct iovec ours = { &byte, 1 }, theirs = { 0, 1 };
                    if (sscanf(text, "%lx-", &from) == 1) {
                        theirs.iov_base = (void *)from;
                        if (process_vm_readv(pid, &ours, 1, &theirs, 1, 0) == 1) puts("memory read");
                    }
                    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                        char *file = strpbrk(line, "/[");
                        if (file) printf("map %s\n", file);
                    }
                    snprintf(path, sizeof path, "/proc/%d/fd", pid);
                    DIR *d = opendir(path);
                    for (struct dirent *e; d && (e = readdir(d));) {
                        if (e->d_name[0] == '.') continue;
                        snprintf(name, sizeof name, "fd/%s", e->d_name);
                        show(pid, name);
                    }
                    if (d) closedir(d);
                }
                close(maps);
                pid++;
            }
        }
        """;

    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    public void Dispose() => _oci.Dispose();

    [Fact]
    public async Task An_exec_exposes_nothing_of_the_runtime_to_a_tracer()
    {
        await Watch();
        for (var i = 0; i < Spawns; i++) Ok(await _oci.Do("exec", _id, "true"));
        await Seen(@"^(exe|map) (/memfd:supervisor-init \(deleted\)|/bin/busybox|\[.*\])$|^memory read$|"
            + @"^fd/([012] (pipe:|/dev/null).*|3 socket:.*)$");
    }

    [Fact]
    public async Task An_init_that_joins_a_pid_namespace_exposes_no_memory_of_the_runtime_to_a_tracer()
    {
        await Watch();
        var pid = JsonNode.Parse(Ok(await _oci.Do("state", _id)))!["pid"]!;
        await _oci.Configure(["true"], c =>
        {
            var joined = c["linux"]!["namespaces"]!.AsArray().First(n => (string)n!["type"]! == "pid")!;
            joined["path"] = $"/proc/{pid}/ns/pid";
        });
        for (var i = 0; i < Spawns / 2; i++) Ok(await _oci.Do("run", NewId()));
        // Its only descriptors are the sources of mounts still to be made, which belong to its own mount namespace.
        await Seen(@"^(exe|map) (/memfd:supervisor-init \(deleted\)|/bin/busybox|/busybox|.*/rootfs/bin/busybox|\[.*\])$|"
            + @"^memory read$|^fd/");
    }

    private async Task Watch()
    {
        var source = Path.Join(_oci.Place, "spy.c");
        await File.WriteAllTextAsync(source, Spy);
        Ok(await CommandLine.RunAsync("gcc", "-O1", "-static", "-o", Path.Join(_oci.Rootfs, "bin", "spy"), source));
        await _oci.Configure(["spy"], c =>
        {
            foreach (var set in (string[])["bounding", "effective", "permitted"])
                c["process"]!["capabilities"]![set]!.AsArray().Add("CAP_SYS_PTRACE");
        });
        Ok(await _oci.Leave("run", "-d", _id));
        await _oci.Printed("watching\n");
    }

    private async Task Seen(string allowed)
    {
        Ok(await _oci.Do("kill", _id, "KILL"));
        // the last may be truncated
        var lines = (await File.ReadAllLinesAsync(Path.Join(_oci.Place, "log")))[1..^1].Distinct().ToList();
        foreach (var line in lines) Assert.Matches(allowed, line);
        // It did look in time, and could have read any such content.
        Assert.Contains("exe /memfd:supervisor-init (deleted)", lines);
        Assert.Contains("memory read", lines);
    }
}
