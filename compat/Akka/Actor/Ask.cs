using Akka.Dispatch.SysMsg;

namespace Akka.Actor;

public static class Futures
{
    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout = null) => self.Ask<object>(message, timeout, CancellationToken.None);
    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout = null) => self.Ask<T>(message, timeout, CancellationToken.None);
    public static Task<T> Ask<T>(this ICanTell self, object message, CancellationToken cancellationToken) => self.Ask<T>(message, null, cancellationToken);
    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout, CancellationToken cancellationToken) =>
        self.Ask<T>(_ => message, timeout, cancellationToken);

    /// <summary>Sends the message and gives a task for the first answer.</summary>
    /// <returns>Fails with <see cref="AskTimeoutException"/> when there is no answer in time, with the cause of a
    /// <see cref="Status.Failure"/>, and with <see cref="ArgumentException"/> for an answer of another type.</returns>
    public static Task<T> Ask<T>(this ICanTell self, Func<IActorRef, object> messageFactory, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        var provider = ProviderOf(self) ?? throw new ArgumentException("Unable to resolve the target Provider", nameof(self));
        var limit = timeout ?? provider.Settings.AskTimeout;
        var future = new FutureActorRef<T>(new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously), provider);
        future.Start(limit, cancellationToken);
        self.Tell(messageFactory(future), future);
        return future.Task;
    }

    internal static IActorRefProvider ProviderOf(ICanTell target) => target switch
    {
        ActorSelection selection => ProviderOf(selection.Anchor),
        Nobody => ActorCell.Current?.SystemImpl.Provider,
        IInternalActorRef actor => actor.Provider,
        _ => ActorCell.Current?.SystemImpl.Provider,
    };
}

/// <summary>The sender of one question: its first message is the answer. It gets a path only when someone looks.</summary>
public class FutureActorRef<T> : MinimalActorRef
{
    private readonly TaskCompletionSource<T> _result;
    private ActorPath _path;
    private Timer _timer;
    private CancellationTokenRegistration _cancellation;
    private TimeSpan _timeout;

    internal FutureActorRef(TaskCompletionSource<T> result, IActorRefProvider provider)
    {
        _result = result;
        Provider = provider;
    }

    public override IActorRefProvider Provider { get; }
    public override IInternalActorRef Parent => Provider.TempContainer;
    internal Task<T> Task => _result.Task;

    public override ActorPath Path
    {
        get
        {
            if (Volatile.Read(ref _path) is { } path) return path;
            path = Provider.TempPath();
            if (Interlocked.CompareExchange(ref _path, path, null) is { } earlier) return earlier;
            Provider.RegisterTempActor(this, path);
            if (_result.Task.IsCompleted) Provider.UnregisterTempActor(path);
            return path;
        }
    }

    internal void Start(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (timeout != Timeout.InfiniteTimeSpan && timeout >= TimeSpan.Zero)
        {
            _timeout = timeout;
            _timer = new Timer(static state => ((FutureActorRef<T>)state).OnTimeout(), this, timeout, Timeout.InfiniteTimeSpan);
        }
        if (cancellationToken.CanBeCanceled)
            _cancellation = cancellationToken.Register(static (state, token) =>
            {
                var future = (FutureActorRef<T>)state;
                future.Finished(future._result.TrySetCanceled(token));
            }, this);
    }

    private void OnTimeout() => Finished(_result.TrySetException(new AskTimeoutException($"Timeout after {_timeout} seconds")));

    private bool Finished(bool won)
    {
        if (!won) return false;
        _timer?.Dispose();
        _cancellation.Unregister();
        if (Volatile.Read(ref _path) is { } path) Provider.UnregisterTempActor(path);
        return true;
    }

    protected override void TellInternal(object message, IActorRef sender)
    {
        var won = Finished(message switch
        {
            T answer => _result.TrySetResult(answer),
            Status.Failure failure => _result.TrySetException(failure.Cause ?? new TaskCanceledException("Task cancelled by actor via Failure message.")),
            _ => _result.TrySetException(new ArgumentException($"Received message of type [{message.GetType()}] - Ask expected message of type [{typeof(T)}]")),
        });
        if (!won && !_result.Task.IsCanceled) Provider.DeadLetters.Tell(new Event.DeadLetter(message, sender ?? Provider.DeadLetters, this), this);
    }

    public override void SendSystemMessage(ISystemMessage message)
    {
        switch (message)
        {
            case DeathWatchNotification death:
                Tell(new Terminated(death.Actor, death.ExistenceConfirmed, death.AddressTerminated), death.Actor);
                break;
            case Watch watch when !watch.Watcher.Equals(this) && _result.Task.IsCompleted:
                watch.Watcher.SendSystemMessage(new DeathWatchNotification(this, existenceConfirmed: true, addressTerminated: false));
                break;
        }
    }
}

public static class GracefulStopSupport
{
    public static Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout) => target.GracefulStop(timeout, PoisonPill.Instance);

    /// <returns>True once it has stopped, false when that takes longer than the timeout.</returns>
    public static async Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout, object stopMessage)
    {
        var watched = (IInternalActorRef)target;
        var future = new FutureActorRef<object>(new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously), watched.Provider);
        future.Start(timeout, CancellationToken.None);
        watched.SendSystemMessage(new Watch(watched, future));
        target.Tell(stopMessage, ActorRefs.NoSender);
        try
        {
            return await future.Task.ConfigureAwait(false) is Terminated { } t && t.ActorRef.Equals(target);
        }
        catch (AskTimeoutException)
        {
            return false;
        }
        finally
        {
            watched.SendSystemMessage(new Unwatch(watched, future));
        }
    }
}
