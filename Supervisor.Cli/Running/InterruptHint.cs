namespace Supervisor.Cli.Running;

/// <summary>
/// The hint after repeated Ctrl-C: a container's init receives only signals that it handles. pid_namespaces(7).
/// </summary>
/// <param name="say">Prints how to end it.</param>
internal sealed class InterruptHint(string say)
{
    private const int After = 3;
    private const byte CtrlC = 3;
    private int _interrupts;

    /// <summary>Counts a forwarded interrupt.</summary>
    public void Interrupted()
    {
        if (Interlocked.Increment(ref _interrupts) == After) Console.Error.Write($"supervisor: {say}\r\n");
    }

    /// <summary>Counts Ctrl-C among a terminal's keys: any other key resets the count.</summary>
    public void Typed(ReadOnlySpan<byte> keys)
    {
        foreach (var key in keys)
        {
            if (key == CtrlC) Interrupted();
            else if (Volatile.Read(ref _interrupts) < After) Volatile.Write(ref _interrupts, 0);
        }
    }
}
