namespace Supervisor.Host.Cli.Running;

/// <summary>
/// The hint after repeated Ctrl-C: a container's first process gets no signal that it does not handle. pid_namespaces(7).
/// </summary>
/// <param name="say">How to end it.</param>
internal sealed class InterruptHint(string say)
{
    private const int After = 3;
    private const byte CtrlC = 3;
    private int _interrupts;

    /// <summary>An interrupt that was passed on.</summary>
    public void Interrupted()
    {
        if (Interlocked.Increment(ref _interrupts) == After) Console.Error.Write($"supervisor: {say}\r\n");
    }

    /// <summary>Keys from a terminal: other ones than Ctrl-C in between begin the count again.</summary>
    public void Typed(ReadOnlySpan<byte> keys)
    {
        foreach (var key in keys)
        {
            if (key == CtrlC) Interrupted();
            else if (Volatile.Read(ref _interrupts) < After) Volatile.Write(ref _interrupts, 0);
        }
    }
}
