using Akka.Configuration;
using Supervisor.Actors;
using Supervisor.Host.Daemon;

namespace Supervisor.Host.Hosting;

/// <summary>
/// The actors: they start while the socket is opened, whose first calls wait for them, and stop when it has been closed.
/// </summary>
internal sealed class ActorsService(
    DaemonOptions options, Task<Config> configuration, DaemonLifetime lifetime, ILoggerFactory loggers)
    : IHostedLifecycleService, IDisposable
{
    private readonly ILogger _log = loggers.CreateLogger<DaemonHost>();
    private readonly CancellationTokenSource _stopping = new();
    private Task<SupervisorNode>? _starting;
    private SupervisorNode? _node;

    /// <exception cref="InvalidOperationException">The actors have not been started.</exception>
    public SupervisorSystem System => _node?.System ?? throw new InvalidOperationException("the actors have not been started");

    /// <summary>See <see cref="DaemonHost.Broken"/>.</summary>
    public Task Broken { get; private set; } = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <exception cref="DaemonStartException">The configuration is invalid: then there is no socket.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var node = new NodeOptions(
            options.Root, options.State, await configuration, options.ShimExecutable, options.OwnsProcess, options.Criu,
            options.ShimPerContainer, AkkaLogger.Props(loggers), options.OnMismatch);
        _starting = Task.Run(() => SupervisorNode.StartAsync(node, _stopping.Token), CancellationToken.None);
    }

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        _node = await _starting!.WaitAsync(cancellationToken);
        Broken = BreakAsync(_node);
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <remarks>Also of a start that has failed or is cancelled, which it waits for.</remarks>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_starting is null) return;
        if (cancellationToken.IsCancellationRequested) Log.CallsAborted(_log, DaemonHost.Patience.TotalSeconds);
        await _stopping.CancelAsync();
        await ((Task)_starting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_starting.IsCompletedSuccessfully) await (await _starting).DisposeAsync();
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopping.Dispose();

    private async Task BreakAsync(SupervisorNode node)
    {
        var lost = await node.JournalLost;
        Log.JournalLost(_log, lost.Reason);
        lifetime.Break($"cannot write the journal: {lost.Reason}");
    }
}
