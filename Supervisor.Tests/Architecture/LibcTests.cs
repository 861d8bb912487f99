using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Tests.EndToEnd;
using Tmds.Linux;

namespace Supervisor.Tests.Architecture;

/// <summary>Properties of Tmds.LibC that we rely on: errno after a call, constants and layouts. Decision 0080.</summary>
public class LibcTests
{
    private static readonly string[] WithoutErrno = ["geteuid", "getegid"]; // never fail

    private static readonly string[] Forbidden = ["fork", "vfork", "clone", "kill", "killpg", "raise", "sigqueue"];

    [Fact]
    public void Every_called_function_keeps_errno()
    {
        Assert.NotEmpty(LibcReferences.Calls);
        var forgetful = LibcReferences.Calls.Where(c => c.GetCustomAttribute<DllImportAttribute>() is { SetLastError: false });
        Assert.Empty(forgetful.Select(c => c.Name).Except(WithoutErrno));
    }

    [Fact]
    public void Only_the_launcher_makes_processes_and_only_pidfds_are_signalled() =>
        Assert.Empty(LibcReferences.Calls.Select(c => c.Name).Intersect(Forbidden));

    [Fact]
    public unsafe void Errno_is_that_of_the_call_whatever_the_runtime_does_next()
    {
        using var other = Fd.Open("/dev/null", OpenFlags.O_RDONLY);
        Assert.Equal(-1, LibC.close(-1));
        GC.Collect();
        var thread = new Thread(() => Assert.Equal(-1, LibC.ioctl(0, -1)));
        thread.Start();
        thread.Join();
        other.Dispose(); // a close that succeeds
        Assert.Equal((Errno.EBADF, LibC.EBADF), (Errno.Last, LibC.errno));
        Assert.Equal(-1, Native.poll(null, 1, 0));
        Assert.Equal(Errno.EFAULT, Errno.Last);
        Assert.Equal(-1, (int)LibC.syscall(Syscall.pidfd_open, -1, 0));
        Assert.Equal(Errno.EINVAL, Errno.Last);
        Assert.Equal(-1, LibC.ioctl(-1, LibC.FIONREAD));
        Assert.Equal(Errno.EBADF, Errno.Last);
    }

    [Fact]
    public async Task Constants_and_layouts_are_those_of_the_C_compiler()
    {
        var constants = LibcReferences.Constants.Select(n => (n, Value(typeof(LibC), n)));
        List<(string Expression, long Value)> ours = [.. constants, .. Layouts()];
        var lines = ours.Select(o => $"""printf("%s %lld\n", "{o.Expression}", (long long)({o.Expression}));""");
        var place = Directory.CreateTempSubdirectory("supervisor-libc-");
        try
        {
            var (source, program) = (Path.Join(place.FullName, "c.c"), Path.Join(place.FullName, "c"));
            await File.WriteAllTextAsync(source, Headers + $"int main(void) {{ {string.Join('\n', lines)} return 0; }}");
            var built = await CommandLine.RunAsync("gcc", "-w", "-o", program, source);
            Assert.Equal((0, ""), (built.Status, built.Errors));
            var theirs = (await CommandLine.RunAsync(program)).Output;
            Assert.Equal(string.Concat(ours.Select(o => $"{o.Expression} {o.Value}\n")), theirs);
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    // arch/arm64/include/uapi/asm/fcntl.h has two of our flags at other bits; struct epoll_event is packed on x86-64 only.
    [Fact]
    public void On_arm64_only_the_expected_constants_differ()
    {
        var (x64, arm) = (Load("x64"), Load("arm64"));
        var different = LibcReferences.Constants.Where(n => Value(Type(arm), n) != Value(Type(x64), n));
        Assert.Equal(["O_DIRECTORY", "O_NOFOLLOW"], different);
        Assert.Equal((0x4000L, 0x8000L), (Value(Type(arm), "O_DIRECTORY"), Value(Type(arm), "O_NOFOLLOW")));
        Assert.Equal((12, 16), (SizeOfEvent(x64), SizeOfEvent(arm)));

        static Assembly Load(string machine) => new AssemblyLoadContext(machine).LoadFromAssemblyPath(
            Path.Join(AppContext.BaseDirectory, $"runtimes/linux-{machine}/lib/netstandard2.0/Tmds.LibC.dll"));

        static int SizeOfEvent(Assembly assembly) => Marshal.SizeOf(assembly.GetType("Tmds.Linux.epoll_event")!);

        static Type Type(Assembly assembly) => assembly.GetType("Tmds.Linux.LibC")!;
    }

    private static long Value(Type type, string constant)
    {
        var value = type.GetProperty(constant)!.GetValue(null)!;
        return long.Parse(Convert.ToString(value, CultureInfo.InvariantCulture)!, CultureInfo.InvariantCulture);
    }

    private static unsafe List<(string Expression, long Value)> Layouts()
    {
        statx s;
        sockaddr_un u;
        epoll_event e;
        termios t;
        return
        [
            ("sizeof(struct statx)", sizeof(statx)), ("offsetof(struct statx, stx_mode)", (byte*)&s.stx_mode - (byte*)&s),
            ("offsetof(struct statx, stx_ino)", (byte*)&s.stx_ino - (byte*)&s),
            ("offsetof(struct statx, stx_ctime)", (byte*)&s.stx_ctime - (byte*)&s),
            ("offsetof(struct statx, stx_mtime)", (byte*)&s.stx_mtime - (byte*)&s),
            ("offsetof(struct statx, stx_rdev_major)", (byte*)&s.stx_rdev_major - (byte*)&s),
            ("offsetof(struct statx, stx_dev_minor)", (byte*)&s.stx_dev_minor - (byte*)&s),
            ("sizeof(struct epoll_event)", sizeof(epoll_event)),
            ("offsetof(struct epoll_event, data)", (byte*)&e.data - (byte*)&e),
            ("sizeof(struct msghdr)", sizeof(msghdr)), ("sizeof(struct iovec)", sizeof(iovec)),
            ("sizeof(struct pollfd)", sizeof(pollfd)), ("sizeof(struct sockaddr_un)", sizeof(sockaddr_un)),
            ("offsetof(struct sockaddr_un, sun_path)", u.sun_path - (byte*)&u),
            ("sizeof(struct ucred)", sizeof(ucred)), ("sizeof(struct open_how)", sizeof(open_how)),
            ("sizeof(struct timespec)", sizeof(timespec)), ("sizeof(struct winsize)", sizeof(winsize)),
            ("sizeof(struct termios)", sizeof(termios)), ("offsetof(struct termios, c_line)", &t.c_line - (byte*)&t),
        ];
    }

    private const string Headers = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <poll.h>
        #include <stddef.h>
        #include <stdio.h>
        #include <signal.h>
        #include <termios.h>
        #include <unistd.h>
        #include <linux/openat2.h>
        #include <sys/epoll.h>
        #include <sys/eventfd.h>
        #include <sys/ioctl.h>
        #include <sys/mman.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/un.h>

        """;
}
