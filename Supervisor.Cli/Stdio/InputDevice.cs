using Supervisor.Cli.Errors;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Stdio;

/// <summary>Our own standard input.</summary>
internal static class InputDevice
{
    /// <summary>
    /// A program at a terminal never sees the end of an input that is not a terminal: with <c>-i</c> it would wait forever.
    /// </summary>
    /// <exception cref="CliException">It is not a terminal; docker's message and exit code.</exception>
    public static void RequireTerminal(string instead)
    {
        if (!RawTerminal.IsTerminal) throw new CliException($"the input device is not a TTY: {instead}", ExitCodes.OwnStreams);
    }
}
