using System.Globalization;

namespace Supervisor.Kernel.Processes;

#pragma warning disable CS1591 // The kernel's own names; signal(7).
/// <summary>Signals by their numbers on x86-64 and arm64. signal(7).</summary>
public enum Signal
{
    None = 0,
    SIGHUP = 1,
    SIGINT = 2,
    SIGQUIT = 3,
    SIGILL = 4,
    SIGTRAP = 5,
    SIGABRT = 6,
    SIGBUS = 7,
    SIGFPE = 8,
    SIGKILL = 9,
    SIGUSR1 = 10,
    SIGSEGV = 11,
    SIGUSR2 = 12,
    SIGPIPE = 13,
    SIGALRM = 14,
    SIGTERM = 15,
    SIGSTKFLT = 16,
    SIGCHLD = 17,
    SIGCONT = 18,
    SIGSTOP = 19,
    SIGTSTP = 20,
    SIGTTIN = 21,
    SIGTTOU = 22,
    SIGURG = 23,
    SIGXCPU = 24,
    SIGXFSZ = 25,
    SIGVTALRM = 26,
    SIGPROF = 27,
    SIGWINCH = 28,
    SIGIO = 29,
    SIGPWR = 30,
    SIGSYS = 31,
}
#pragma warning restore CS1591

/// <summary>Signal names as people type them.</summary>
public static class SignalNames
{
    /// <summary>The highest signal number, SIGRTMAX of the kernel.</summary>
    public const int Highest = 64;

    /// <summary>
    /// Reads <c>9</c>, <c>KILL</c> or <c>SIGKILL</c>, in any case; real-time signals as <c>RTMIN</c>, <c>RTMIN+N</c> and
    /// <c>RTMAX</c>.
    /// </summary>
    /// <returns>Null where the text is not a signal; 0 only for <c>0</c>, which checks that a process exists.</returns>
    public static int? TryParse(string text)
    {
        const int RealTime = 34; // what the C library leaves to programs: SIGRTMIN, signal(7)
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number <= Highest ? number : null;
        var name = text.ToUpperInvariant();
        if (name.StartsWith("SIG", StringComparison.Ordinal)) name = name[3..];
        return name switch
        {
            "RTMIN" => RealTime,
            "RTMAX" => Highest,
            "POLL" => (int)Signal.SIGIO,
            ['R', 'T', 'M', 'I', 'N', '+', .. var above] when int.TryParse(
                above, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n <= Highest - RealTime => RealTime + n,
            // Enum.Parse adds up what commas separate
            _ => !name.Contains(',') && Enum.TryParse<Signal>("SIG" + name, out var signal) ? (int)signal : null,
        };
    }
}
