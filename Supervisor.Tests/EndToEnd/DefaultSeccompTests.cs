using System.Runtime.InteropServices;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Seccomp;
using Machine = System.Runtime.InteropServices.Architecture;

namespace Supervisor.Tests.EndToEnd;

/// <summary>
/// System calls allowed by default in a container of <c>supervisor run</c>: a table of calls, made in a real container.
/// </summary>
public sealed class DefaultSeccompTests : IDisposable
{
    // The result of each call with the default profile and without: if both are equal, the profile allows it.
    private static readonly (string Call, string Code, string Confined, string Unconfined)[] Table =
    [
        ("keyctl", "syscall(SYS_keyctl, 0, -1, 0, 0, 0)", "EPERM", "any"),
        ("add_key", "syscall(SYS_add_key, 1, 1, 1, 1, -1)", "EPERM", "EFAULT"),
        ("request_key", "syscall(SYS_request_key, 1, 1, 1, -1)", "EPERM", "EFAULT"),
        ("unshare of a user namespace", "forked(syscall(SYS_unshare, CLONE_NEWUSER))", "EPERM", "ok"),
        ("clone into a user namespace", "child(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0))", "EPERM", "ok"),
        ("clone3", "syscall(SYS_clone3, 1, 64)", "ENOSYS", "EFAULT"),
        ("setns", "syscall(SYS_setns, -1, 0)", "EPERM", "EBADF"),
        ("move_mount", "syscall(SYS_move_mount, -1, 1, -1, 1, 0xffff)", "EPERM", "any"),
        ("userfaultfd", "syscall(SYS_userfaultfd, 0xfffff)", "EPERM", "any"),
        ("io_uring_setup", "syscall(SYS_io_uring_setup, 0, 1)", "EPERM", "any"),
        ("kcmp", "syscall(SYS_kcmp, getpid(), getpid(), 99, 0, 0)", "EPERM", "EINVAL"),
        ("set_mempolicy", "syscall(SYS_set_mempolicy, 99, 0, 0)", "EPERM", "EINVAL"),
        ("socket of AF_VSOCK", "closing(socket(40, SOCK_STREAM, 99))", "EPERM", "any"),
        ("socket of AF_ALG", "closing(socket(38, SOCK_STREAM, 99))", "EPERM", "any"),
        ("personality without randomisation", "syscall(SYS_personality, 0x40000)", "EPERM", "ok"),
        ("open_by_handle_at", "syscall(SYS_open_by_handle_at, -1, 1, 0)", "EPERM", "any"),
        ("pidfd_getfd", "syscall(SYS_pidfd_getfd, -1, 0, 0)", "EPERM", "EBADF"),

        ("clone of a child", "child(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))", "ok", "ok"),
        ("ptrace", "forked(syscall(SYS_ptrace, 0, 0, 0, 0))", "ok", "ok"),
        ("chroot", "forked(syscall(SYS_chroot, \"/\"))", "ok", "ok"),
        ("socket of AF_INET", "closing(socket(AF_INET, SOCK_STREAM, 0))", "ok", "ok"),
        ("socket of AF_NETLINK", "closing(socket(AF_NETLINK, SOCK_RAW, 0))", "ok", "ok"),
        ("personality, asked for", "syscall(SYS_personality, 0xffffffff)", "ok", "ok"),
        ("memfd_create", "closing(syscall(SYS_memfd_create, \"a\", 0))", "ok", "ok"),
        ("openat2", "syscall(SYS_openat2, -1, 1, 1, 24)", "EFAULT", "EFAULT"),
        ("statx", "syscall(SYS_statx, -1, \"\", 0, 0, 0)", "any", "any"),
        ("seccomp", "syscall(SYS_seccomp, 99, 0, 0)", "EINVAL", "EINVAL"),
        ("pidfd_open", "closing(syscall(SYS_pidfd_open, getpid(), 0))", "ok", "ok"),
        ("shmget", "syscall(SYS_shmget, 0, 0, 0)", "EINVAL", "EINVAL"),
        ("adjtimex", "syscall(SYS_adjtimex, 1)", "EFAULT", "EFAULT"),
        ("setuid", "forked(syscall(SYS_setuid, 65534))", "ok", "ok"),
        ("execveat", "syscall(SYS_execveat, -1, \"x\", 0, 0, 0)", "EBADF", "EBADF"),
        // programs of 32 bits or of x32 call the same kernel
        ("keyctl of 32 bits", "x86(288, 0, -1)", "EPERM", "any"),
        ("getpid of 32 bits", "x86(20, 0, 0) > 0 ? 0 : (errno = EPERM, -1)", "ok", "ok"),
        ("keyctl of x32", "syscall(0x40000000 | SYS_keyctl, 0, -1, 0, 0, 0)", "EPERM", "any"),
    ];

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("supervisor-seccomp-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task Calls_are_allowed_and_refused_as_in_the_table()
    {
        await BuildAsync();
        var (confined, unconfined) = (await AnswersAsync(), await AnswersAsync("--security-opt", "seccomp=unconfined"));
        var rows = Table.Where(t => Here(t.Call)).ToList();
        Assert.All(rows, t =>
        {
            if (t.Confined is not "any") Assert.Equal($"{t.Call}: {t.Confined}", $"{t.Call}: {confined[t.Call]}");
            if (t.Unconfined is not "any") Assert.Equal($"{t.Call}: {t.Unconfined}", $"{t.Call}: {unconfined[t.Call]}");
            // capabilities have the same effect
            if (t is { Confined: "EPERM", Unconfined: "any" } && unconfined[t.Call] is "EPERM")
                Assert.Contains(t.Call, (string[])["open_by_handle_at", "move_mount", "keyctl of 32 bits", "userfaultfd"]);
        });
    }

    [Fact]
    public async Task A_profile_file_in_dockers_format_replaces_it()
    {
        await BuildAsync();
        var file = Path.Join(_root.FullName, "profile.json");
        File.WriteAllText(file, """
            {"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}],
             "syscalls": [{"names": ["keyctl"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28, "comment": "none", "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
                          {"name": "setns", "action": "SCMP_ACT_ERRNO", "errnoRet": 28, "includes": {"caps": ["CAP_SYS_ADMIN"]}}]}
            """);
        var answers = await AnswersAsync("--security-opt", $"seccomp={file}");
        Assert.Equal(("ENOSPC", "EBADF"), (answers["keyctl"], answers["setns"]));
    }

    [Theory]
    [InlineData("""{"defaultAction": "SCMP_ACT_ERRNO", "sycalls": []}""", "sycalls")]
    [InlineData("""{"defaultAction": "SCMP_ACT_NONE"}""", "defaultAction")]
    [InlineData("""{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "includes": {"cap": []}}]}""", "syscalls[0].includes.cap")]
    [InlineData("""{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 9, "op": "SCMP_CMP_EQ"}]}]}""", "syscalls[0].args[0].index")]
    [InlineData("""{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": 3}""", "syscalls")]
    [InlineData("[]", "$")]
    [InlineData("{", "$")]
    public async Task A_file_that_is_not_a_profile_is_refused_by_name_and_position(string text, string place)
    {
        var file = Path.Join(_root.FullName, "profile.json");
        File.WriteAllText(file, text);
        var outcome = await CommandLine.RunAsync(
            CommandLine.Supervisor, "run", "--security-opt", $"seccomp={file}", "--rootfs", "/", "--", "true");
        Assert.Equal(125, outcome.Status);
        Assert.Contains($"{file}: {place}", outcome.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("seccomp=/no/such")]
    [InlineData("seccomp")]
    [InlineData("apparmor=x")]
    [InlineData("no-new-privileges=false")]
    public async Task An_option_that_cannot_be_honoured_is_refused(string option)
    {
        var outcome = await CommandLine.RunAsync(
            CommandLine.Supervisor, "run", "--security-opt", option, "--rootfs", "/", "--", "true");
        Assert.Equal(125, outcome.Status);
        Assert.Contains(option, outcome.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Machine.X64, "arch_prctl", "set_tls")]
    [InlineData(Machine.Arm64, "set_tls", "arch_prctl")]
    public void The_profile_depends_on_the_architecture_and_on_the_capabilities(Machine machine, string own, string others)
    {
        var (plain, admin) = (Allowed([]), Allowed(["CAP_SYS_ADMIN", "CAP_SYSLOG", "CAP_SYS_TIME"]));
        Assert.Contains(own, plain);
        Assert.DoesNotContain(others, plain);
        Assert.DoesNotContain("chroot", plain);
        Assert.All((string[])["mount", "unshare", "clone3", "syslog", "clock_settime", "bpf"], call =>
        {
            Assert.Contains(call, admin);
            Assert.DoesNotContain(call, plain);
        });
        Assert.All((string[])["keyctl", "add_key", "request_key", "kexec_load", "io_uring_setup", "userfaultfd"], call =>
            Assert.DoesNotContain(call, admin));

        HashSet<string> Allowed(string[] capabilities) =>
            [.. DefaultSeccomp.For(capabilities, machine).Syscalls.Where(s => s is { Action: "SCMP_ACT_ALLOW", Args: [] })
                .SelectMany(s => s.Names)];
    }

    [Fact]
    public void The_profile_is_valid_fits_the_kernel_and_is_compiled_once()
    {
        var machine = RuntimeInformation.ProcessArchitecture;
        SeccompRules.Check(DefaultSeccomp.For(DefaultSpec.Capabilities, machine), "");
        var filter = SeccompFilter.Compile(DefaultSeccomp.For(DefaultSpec.Capabilities, machine));
        Assert.InRange(filter.Instructions.Length / 8, 300, 4096);
        Assert.Same(filter, SeccompFilter.Compile(DefaultSeccomp.For(DefaultSpec.Capabilities, machine)));
    }

    private static bool Here(string call) =>
        RuntimeInformation.ProcessArchitecture is Machine.X64
            || !(call.EndsWith("of 32 bits", StringComparison.Ordinal) || call.EndsWith("of x32", StringComparison.Ordinal));

    private async Task BuildAsync()
    {
        var source = Path.Join(_root.FullName, "probe.c");
        File.WriteAllText(source, $$"""
            #define _GNU_SOURCE
            #include <errno.h>
            #include <fcntl.h>
            #include <sched.h>
            #include <signal.h>
            #include <stdio.h>
            #include <string.h>
            #include <sys/socket.h>
            #include <sys/syscall.h>
            #include <sys/wait.h>
            #include <unistd.h>
            static long closing(long fd) { if (fd >= 0) close(fd); return fd; }
            static long child(long pid) { if (pid == 0) _exit(0); if (pid > 0) waitpid(pid, 0, 0); return pid; }
            #define forked(call) ({ int s; pid_t p = fork(); if (p == 0) _exit((call) < 0 ? errno : 0); waitpid(p, &s, 0); \
                                    WIFEXITED(s) && WEXITSTATUS(s) == 0 ? 0L : (errno = WEXITSTATUS(s), -1L); })
            static long x86(long number, long a, long b) {
            #ifdef __x86_64__
                long result;
                __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b) : "memory", "r8", "r9", "r10", "r11");
                result = (int)result;
                return result < 0 ? (errno = -result, -1) : result;
            #else
                return 0;
            #endif
            }
            static void tell(const char *call, long result) { printf("%s=%s\n", call, result >= 0 ? "ok" : strerrorname_np(errno)); fflush(stdout); }
            int main(void) {
            {{string.Join('\n', Table.Where(t => Here(t.Call)).Select(t => $"    errno = 0; tell(\"{t.Call}\", {t.Code});"))}}
                return 0;
            }
            """);
        var built = await CommandLine.RunAsync("gcc", "-O1", "-w", "-static", "-o", Path.Join(_root.FullName, "probe"), source);
        Assert.True(built.Status == 0, built.Errors);
    }

    private async Task<Dictionary<string, string>> AnswersAsync(params string[] options)
    {
        var outcome = await CommandLine.RunAsync(
            CommandLine.Supervisor, ["run", .. options, "--rootfs", _root.FullName, "--", "/probe"]);
        Assert.True(outcome is { Status: 0, Errors: "" }, $"{outcome}");
        return outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('='))
            .ToDictionary(l => l[0], l => l[1]);
    }
}
