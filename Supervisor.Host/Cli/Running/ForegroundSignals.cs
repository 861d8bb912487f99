using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Supervisor.Host.Cli.Running;

/// <summary>
/// Signals while a container is in the foreground. Before it runs they end the attempt; then they are its own, in the
/// order they came.
/// </summary>
internal sealed class ForegroundSignals : IDisposable
{
    private const int SIGUSR1 = 10, SIGUSR2 = 12;

    // More than this many while one is being sent are somebody leaning on a key.
    private readonly Channel<int> _pending =
        Channel.CreateBounded<int>(new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly CancellationTokenSource _interrupted = new();
    private readonly PosixSignalRegistration[] _registrations;
    private volatile bool _running;

    public ForegroundSignals() => _registrations =
    [
        Register(PosixSignal.SIGHUP, 1), Register(PosixSignal.SIGINT, 2), Register(PosixSignal.SIGQUIT, 3),
        Register(PosixSignal.SIGTERM, 15),
        Register((PosixSignal)SIGUSR1, SIGUSR1), Register((PosixSignal)SIGUSR2, SIGUSR2),
    ];

    /// <summary>Cancelled by a signal that came before <see cref="Keep"/>.</summary>
    public CancellationToken Interrupted => _interrupted.Token;

    /// <summary>The signal that interrupted us; 0 if none did.</summary>
    public int Interruption { get; private set; }

    /// <summary>
    /// From now on signals are the container's: kept until <see cref="ForwardAsync"/> passes them on. Before the start is asked
    /// for.
    /// </summary>
    public void Keep() => _running = true;

    /// <summary>Passes every signal to <paramref name="send"/>, those kept first.</summary>
    public async Task ForwardAsync(Func<int, Task> send, CancellationToken cancel)
    {
        await foreach (var signal in _pending.Reader.ReadAllAsync(cancel)) await send(signal);
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _interrupted.Dispose();
    }

    private PosixSignalRegistration Register(PosixSignal signal, int number) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        if (_running) _pending.Writer.TryWrite(number);
        else
        {
            Interruption = number;
            _interrupted.Cancel();
        }
    });
}
