using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Supervisor.Cli.Running;

/// <summary>
/// Resizes a container's terminal with ours: one call after the other, since the last one must win. SIGWINCH; and SIGCONT, for a
/// change while we were stopped.
/// </summary>
internal sealed class SizeFollower : IDisposable
{
    // A change during a call is one more call after it, however many there were.
    private readonly Channel<bool> _changes =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly PosixSignalRegistration[] _registrations;

    /// <param name="resize">Sends the present size.</param>
    public SizeFollower(Func<Task> resize)
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => _changes.Writer.TryWrite(true)),
            PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => _changes.Writer.TryWrite(true)),
        ];
        _changes.Writer.TryWrite(true); // it may have changed since the process was created
        _ = FollowAsync(resize);
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _changes.Writer.TryComplete();
    }

    private async Task FollowAsync(Func<Task> resize)
    {
        await foreach (var _ in _changes.Reader.ReadAllAsync()) await resize();
    }
}
