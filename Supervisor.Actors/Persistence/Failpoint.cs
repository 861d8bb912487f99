using Supervisor.Kernel.Processes;

namespace Supervisor.Actors.Persistence;

/// <summary>
/// Points where tests of recovery can kill the daemon, as by kill -9: before and after every journal write and every effect.
/// They do nothing unless the environment names one: <c>SUPERVISOR_FAILPOINT=NAME#N</c> dies the N-th time that NAME is passed,
/// <c>SUPERVISOR_FAILPOINT=@FILE</c> writes the names passed into a file.
/// </summary>
public static class Failpoint
{
    private static readonly string? Wanted = Environment.GetEnvironmentVariable("SUPERVISOR_FAILPOINT");
    private static readonly string? Trace = Wanted is ['@', .. var file] ? file : null;
    private static readonly string Name = Wanted?.Split('#')[0] ?? "";
    private static readonly Lock Gate = new();
    private static int _left = int.TryParse(Wanted?.Split('#').ElementAtOrDefault(1), out var count) ? count : 1;

    /// <summary>Passes <paramref name="what"/> of something, <paramref name="when"/> before or after.</summary>
    public static void Pass(string when, string what)
    {
        if (Wanted is not null) Hit($"{when} {what}");
    }

    private static void Hit(string name)
    {
        lock (Gate)
        {
            if (Trace is not null) File.AppendAllText(Trace, name + "\n");
            else if (name == Name && --_left == 0)
            {
                using var self = Pidfd.TryOpen(Environment.ProcessId);
                self!.TrySignal(Signal.SIGKILL);
                Thread.Sleep(Timeout.Infinite);
            }
        }
    }
}
