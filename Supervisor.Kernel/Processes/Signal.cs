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

    /// <summary>Reads <c>9</c>, <c>KILL</c> or <c>SIGKILL</c>, in any case; real-time signals as <c>RTMIN+N</c>.</summary>
    /// <returns>Null for what is no signal.</returns>
    public static int? TryParse(string text)
    {
        if (int.TryParse(text, System.Globalization.NumberStyles.None, null, out var number)) return number <= Highest ? number : null;
        var name = text.ToUpperInvariant();
        if (!name.StartsWith("SIG", StringComparison.Ordinal)) name = "SIG" + name;
        if (name.StartsWith("SIGRTMIN+", StringComparison.Ordinal) && int.TryParse(name[9..], out var offset) && offset is >= 0 and <= 30) return 34 + offset;
        return Enum.TryParse<Signal>(name, out var signal) && Enum.IsDefined(signal) ? (int)signal : null;
    }
}
