using System.Diagnostics;
using Supervisor.Kernel.Processes;

namespace Supervisor.Tests.Kernel.Processes;

/// <summary>
/// Exits of processes that are not our children: a daemon and its shim that were killed together leave such processes.
/// </summary>
public sealed class UncollectedExitTests
{
    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("exit 0", 0)]
    [InlineData("kill -9 $(sh -c 'echo $PPID')", 137)]
    public async Task The_status_is_known_of_a_process_that_its_parent_does_not_reap(string script, int status)
    {
        using var parent = Process.Start(
            new ProcessStartInfo("sh", ["-c", $"(sleep 0.5; {script}) & echo $!; exec sleep 1000"]) {
            RedirectStandardOutput = true })!;
        try
        {
            using var reaper = new Reaper(_ => { });
            using var pidfd = Pidfd.TryOpen(int.Parse((await parent.StandardOutput.ReadLineAsync())!))!;
            var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
            using var watch = reaper.WatchExit(pidfd, exit.SetResult);
            Assert.Equal(status, (await exit.Task.WaitAsync(TimeSpan.FromSeconds(30)))?.Code);
        }
        finally
        {
            parent.Kill();
            await parent.WaitForExitAsync();
        }
    }
}
