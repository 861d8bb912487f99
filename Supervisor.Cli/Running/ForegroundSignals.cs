using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Supervisor.Cli.Running;

/// <summary>
/// Signals while a container is in the foreground. Before it runs they cancel the start; then they are forwarded to it in order.
/// </summary>
internal sealed class ForegroundSignals : IDisposable
{
    private const int SIGUSR1 = 10, SIGUSR2 = 12;

    // More than this many while one is being sent come from a key held down.
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

    /// <summary>Cancelled by a signal before <see cref="Keep"/>.</summary>
    public CancellationToken Interrupted => _interrupted.Token;

    /// <summary>The signal that interrupted us; 0 if none did.</summary>
    public int Interruption { get; private set; }

    /// <summary>
    /// From now on signals are the container's: queued until <see cref="ForwardAsync"/> forwards them. Called before the start.
    /// </summary>
    public void Keep() => _running = true;

    /// <summary>Passes every signal to <paramref name="send"/>, queued ones first.</summary>
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
