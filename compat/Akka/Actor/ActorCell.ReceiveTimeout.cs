namespace Akka.Actor;

public partial class ActorCell
{
    private TimeSpan? _receiveTimeout;
    private ICancelable _pendingTimeout;
    private TimerScheduler _timers;

    public TimeSpan? ReceiveTimeout => _receiveTimeout;

    public void SetReceiveTimeout(TimeSpan? timeout = null)
    {
        _receiveTimeout = timeout;
        CancelReceiveTimeout();
        CheckReceiveTimeout();
    }

    public void CheckReceiveTimeout(bool reschedule = true)
    {
        if (_receiveTimeout is not { } timeout || Mailbox.MessageQueue.HasMessages && !reschedule) return;
        CancelReceiveTimeout();
        _pendingTimeout = System.Scheduler.ScheduleTellOnceCancelable(timeout, Self, Akka.Actor.ReceiveTimeout.Instance, Self);
    }

    private void CancelReceiveTimeout()
    {
        _pendingTimeout?.Cancel();
        _pendingTimeout = null;
    }
}
