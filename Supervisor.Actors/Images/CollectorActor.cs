using Akka.Actor;
using Akka.Event;
using Supervisor.Actors.Leases;
using Supervisor.Actors.Persistence;
using Supervisor.Storage;

namespace Supervisor.Actors.Images;

/// <summary>
/// The garbage collector: runs shortly after a reference was released, when a lease has expired, and when a client requests it.
/// One collection at a time; a request during one is answered by the next.
/// </summary>
/// <param name="metadata">Takes <see cref="MetadataCommand.Collect"/>.</param>
/// <param name="leases">Checked for expired leases.</param>
/// <param name="readiness">Nothing is collected before every container has recovered.</param>
public sealed class CollectorActor(
    IActorRef metadata, LeaseDirectory leases, StorageFiles files, Readiness readiness, TimeProvider clock)
    : UntypedActor, IWithTimers
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(500), Minute = TimeSpan.FromMinutes(1),
        TidyEvery = TimeSpan.FromHours(1), Patience = TimeSpan.FromMinutes(2);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<IActorRef> _waiting = [], _served = [];
    private bool _ready, _running, _wanted;

    private sealed record Ready;
    private sealed record Tick;
    private sealed record Tidy;
    private sealed record Done(string? Failure);

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How to create one.</summary>
    public static Props Props(
        IActorRef metadata, LeaseDirectory leases, StorageFiles files, Readiness readiness, TimeProvider clock) =>
        Akka.Actor.Props.Create(() => new CollectorActor(metadata, leases, files, readiness, clock));

    /// <inheritdoc/>
    protected override void PreStart()
    {
        base.PreStart();
        readiness.Ready.PipeTo(Self, success: () => new Ready());
    }

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Ready:
                _ready = true;
                Timers.StartPeriodicTimer("tick", new Tick(), Minute);
                Timers.StartPeriodicTimer("tidy", new Tidy(), TidyEvery);
                Self.Tell(new Tidy());
                Begin();
                break;
            case CollectNow:
                _waiting.Add(Sender);
                _wanted = true;
                Begin();
                break;
            case CollectSoon:
                Timers.StartSingleTimer("soon", new Tick(), Moment);
                _wanted = true;
                break;
            case Tick:
                if (!_wanted && !leases.All.Any(l => l.HasExpired(clock.GetUtcNow()))) break;
                _wanted = true;
                Begin();
                break;
            case Tidy:
                _ = files.TidyAsync(clock.GetUtcNow()).ContinueWith(
                    t => _log.Warning("the storage could not be cleaned up: {0}", t.Exception!.InnerException!.Message),
                        TaskContinuationOptions.OnlyOnFaulted);
                break;
            case Done done:
                End(done.Failure);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Begin()
    {
        if (!_ready || _running || !_wanted) return;
        (_running, _wanted) = (true, false);
        _served.AddRange(_waiting);
        _waiting.Clear();
        CollectAsync().PipeTo(Self, success: () => new Done(null), failure: e => new Done(e.Message));
    }

    private async Task CollectAsync()
    {
        var reply = await metadata.Ask<MetadataReply>(new MetadataCommand.Collect(clock.GetUtcNow()), Patience)
            .ConfigureAwait(false);
        if (reply.Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
        if (reply.Freed.Length > 0) await files.RemoveAsync(reply.Freed).ConfigureAwait(false);
    }

    private void End(string? failure)
    {
        _running = false;
        if (failure is not null) _log.Warning("a collection failed, the next one tries again: {0}", failure);
        foreach (var asker in _served) asker.Tell(new Collected(failure));
        _served.Clear();
        Begin();
    }
}
