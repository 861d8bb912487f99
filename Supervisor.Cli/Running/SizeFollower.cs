using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Supervisor.Cli.Running;

/// <summary>
/// Resizes a container's terminal with ours: one call after the other, since the last one must win. SIGWINCH; and SIGCONT, for a
/// change while we were stopped.
/// </summary>
internal sealed class SizeFollower : IDisposable
{
    // readline(3) looks at the size when it gets to the signal, and draws only if it is another one than before.
    private static readonly TimeSpan BetweenSizes = TimeSpan.FromMilliseconds(250);

    // A change during a call is one more call after it, however many there were.
    private readonly Channel<bool> _changes =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly PosixSignalRegistration[] _registrations;

    /// <param name="resize">Sends the present size, with so many rows and columns more.</param>
    /// <param name="redraws">Sends another size first, so that the program draws its prompt or screen again, as with
    /// docker.</param>
    public SizeFollower(Func<uint, Task> resize, bool redraws)
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => _changes.Writer.TryWrite(true)),
            PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => _changes.Writer.TryWrite(true)),
        ];
        _changes.Writer.TryWrite(true); // it may have changed since the process was created
        _ = FollowAsync(resize, redraws);
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _changes.Writer.TryComplete();
    }

    private async Task FollowAsync(Func<uint, Task> resize, bool redraws)
    {
        if (redraws)
        {
            await resize(1);
            await Task.Delay(BetweenSizes);
        }
        await foreach (var _ in _changes.Reader.ReadAllAsync()) await resize(0);
    }
}
