using Akka.Event;

namespace Akka.Actor;

/// <summary>Timers of one actor: their messages arrive like any other, and none arrives after its Cancel.</summary>
public interface ITimerScheduler
{
    void StartPeriodicTimer(object key, object msg, TimeSpan interval);
    void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender);
    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval);
    void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender);
    void StartSingleTimer(object key, object msg, TimeSpan timeout);
    void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender);
    bool IsTimerActive(object key);
    void Cancel(object key);
    void CancelAll();
    IReadOnlyCollection<object> ActiveTimers { get; }
}

public interface IWithTimers
{
    /// <summary>Set by the system before the actor starts.</summary>
    ITimerScheduler Timers { get; set; }
}

internal sealed class TimerMessage(TimerScheduler owner, object key, object message, bool repeats)
    : INoSerializationVerificationNeeded, IDeadLetterSuppression
{
    public TimerScheduler Owner { get; } = owner;
    public object Key { get; } = key;
    public object Message { get; } = message;
    public bool Repeats { get; } = repeats;
    public bool Influences => Message is not INotInfluenceReceiveTimeout;
    public ICancelable Task;
    public override string ToString() => $"<Timer>: {Key} {Message}";
}

internal sealed class TimerScheduler(ActorCell cell) : ITimerScheduler
{
    private readonly Dictionary<object, TimerMessage> _active = [];

    public IReadOnlyCollection<object> ActiveTimers => [.. _active.Keys];
    public bool IsTimerActive(object key) => _active.ContainsKey(key);
    public void StartPeriodicTimer(object key, object msg, TimeSpan interval) => Start(key, msg, interval, interval, null);
    public void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender) => Start(key, msg, interval, interval, sender);
    public void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval) => Start(key, msg, initialDelay, interval, null);
    public void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender) => Start(key, msg, initialDelay, interval, sender);
    public void StartSingleTimer(object key, object msg, TimeSpan timeout) => Start(key, msg, timeout, null, null);
    public void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender) => Start(key, msg, timeout, null, sender);

    private void Start(object key, object message, TimeSpan delay, TimeSpan? interval, IActorRef sender)
    {
        ArgumentNullException.ThrowIfNull(message);
        Cancel(key);
        var timer = new TimerMessage(this, key, message, interval is not null);
        var scheduler = cell.System.Scheduler;
        var from = sender ?? cell.Self;
        timer.Task = interval is { } every
            ? scheduler.ScheduleTellRepeatedlyCancelable(delay, every, cell.Self, timer, from)
            : scheduler.ScheduleTellOnceCancelable(delay, cell.Self, timer, from);
        _active[key] = timer;
    }

    public void Cancel(object key)
    {
        if (_active.Remove(key, out var timer)) timer.Task.Cancel();
    }

    public void CancelAll()
    {
        foreach (var timer in _active.Values) timer.Task.Cancel();
        _active.Clear();
    }

    /// <summary>The message, or null when its timer was cancelled or replaced while the message waited in the mailbox.</summary>
    public object Accept(TimerMessage timer)
    {
        if (timer.Owner != this || !_active.TryGetValue(timer.Key, out var current) || current != timer) return null;
        if (!timer.Repeats) _active.Remove(timer.Key);
        return timer.Message;
    }
}
