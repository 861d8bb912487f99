using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;

namespace Supervisor.Tests.Runtime.Launch;

public class LauncherTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void A_child_runs_its_program_and_its_status_is_returned()
    {
        var process = Launcher.Launch(Exec("sh", "-c", "exit 37"), CloneFlags.None, null, CancellationToken.None);
        Assert.Equal(37, Status(process));
    }

    [Fact]
    public void The_status_of_a_killed_child_is_128_and_the_signal()
    {
        var process = Launcher.Launch(Exec("sleep", "1000"), CloneFlags.None, null, CancellationToken.None);
        Assert.True(process.Pidfd.TrySignal(Signal.SIGKILL));
        Assert.Equal(137, Status(process));
    }

    [Fact]
    public void A_failing_step_is_named_with_errno_and_position_and_leaves_no_child()
    {
        var program = new LaunchProgram();
        program.Add(Syscall.getpid, null);
        program.Add(Syscall.chdir, "/no/such", program.Text("/no/such"));
        program.Add(Syscall.exit_group, null, 0);
        var e = Assert.Throws<LaunchException>(() => Launcher.Launch(program, CloneFlags.None, null, CancellationToken.None));
        Assert.Equal((Errno.ENOENT, "chdir \"/no/such\""), (e.Errno, e.Step));
        Assert.Equal("chdir \"/no/such\": no such file or directory (ENOENT)", e.Message);
        Assert.Equal("step 2 of 3", e.Place);
    }

    [Fact]
    public void A_tolerated_errno_continues_and_may_skip_steps()
    {
        var program = new LaunchProgram();
        var missing = program.Add(Syscall.chdir, "/no/such", program.Text("/no/such")).Tolerating(Errno.ENOENT);
        program.Add(Syscall.exit_group, null, 1);
        missing.SkipsToHere();
        program.Add(Syscall.exit_group, null, 5);
        Assert.Equal(5, Status(Launcher.Launch(program, CloneFlags.None, null, CancellationToken.None)));
    }

    [Fact]
    public void A_success_may_skip_steps_and_any_error_may_be_ignored()
    {
        var program = new LaunchProgram();
        program.Add(Syscall.close, null, -1).IgnoringErrors();
        var good = program.Add(Syscall.getpid, null).SkippingOnSuccess();
        program.Add(Syscall.exit_group, null, 1);
        good.SkipsToHere();
        program.Add(Syscall.exit_group, null, 6);
        Assert.Equal(6, Status(Launcher.Launch(program, CloneFlags.None, null, CancellationToken.None)));
    }

    [Fact]
    public void A_result_becomes_an_argument_of_the_next_step()
    {
        var program = new LaunchProgram();
        program.Add(Syscall.openat, "/", At.FDCWD, program.Text("/"), (int)OpenFlags.O_RDONLY, 0).IntoNext(0);
        program.Add(Syscall.fchdir, "/", -1);
        program.Add(Syscall.exit_group, null, 7);
        Assert.Equal(7, Status(Launcher.Launch(program, CloneFlags.None, null, CancellationToken.None)));
    }

    [Fact]
    public void A_short_read_is_a_failure()
    {
        var program = new LaunchProgram();
        program.Add(Syscall.openat, "/dev/null", At.FDCWD, program.Text("/dev/null"), 0, 0).IntoNext(0);
        program.Add(Syscall.read, "/dev/null", 0, program.Value(0L), 8).AtLeast(8);
        program.Add(Syscall.exit_group, null, 0);
        var e = Assert.Throws<LaunchException>(() => Launcher.Launch(program, CloneFlags.None, null, CancellationToken.None));
        Assert.Contains("returned only 0 bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_launch_that_hangs_before_its_exec_is_killed_at_the_deadline()
    {
        var (read, write) = Supervisor.Kernel.Files.Pipe.Create();
        using (read)
        using (write)
        {
            var program = new LaunchProgram();
            program.Add(Syscall.read, "a pipe without a writer", read.Number, program.Value(0L), 1).AtLeast(1);
            program.Add(Syscall.exit_group, null, 0);
            using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            // Killed before its exec: the parent's thread continues, and the child has exited by SIGKILL.
            var launch = Task.Run(() => Launcher.Launch(program, CloneFlags.None, null, deadline.Token));
            Assert.Equal(137, Status(await launch.WaitAsync(Patience)));
        }
    }

    [Fact]
    public void The_listing_of_a_program_is_stable_and_without_addresses()
    {
        static string List()
        {
            var program = new LaunchProgram();
            program.Add(Syscall.mkdirat, "/x", At.FDCWD, program.Text("/x"), 0x1c0).Tolerating(Errno.EEXIST);
            program.Add(Syscall.getpid, null).SkippingOnSuccess();
            return program.List();
        }
        Assert.Equal("mkdirat \"/x\" [EEXIST: +1]\ngetpid [ok: +1]\n", List());
        Assert.Equal(List(), List());
    }

    private static LaunchProgram Exec(params string[] arguments)
    {
        var program = new LaunchProgram();
        program.Add(Syscall.rt_sigprocmask, null, 2, program.Value(0L), 0, 8);
        program.Add(Syscall.execve, arguments[0], program.Text($"/bin/{arguments[0]}"), program.Strings(arguments),
            program.Strings(["PATH=/bin"]));
        return program;
    }

    private static int Status(LaunchedProcess process)
    {
        using (process.Pidfd)
        {
            Assert.True(process.Pidfd.WaitForExit(Patience), $"process {process.Pid} does not exit");
            return process.Pidfd.TryReap()!.Value.Code;
        }
    }
}
