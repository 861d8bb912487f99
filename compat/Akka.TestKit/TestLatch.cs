namespace Akka.TestKit;

/// <summary>A gate between a test and an actor, which opens when it has been counted down.</summary>
public class TestLatch
{
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(5);
    private readonly CountdownEvent _event;
    private readonly TimeSpan _timeout;
    private readonly Func<TimeSpan, TimeSpan> _dilate;

    public TestLatch() : this(1) { }
    public TestLatch(int count) : this(count, DefaultTimeout) { }
    public TestLatch(int count, TimeSpan defaultTimeout) : this(count, defaultTimeout, static t => t) { }
    internal TestLatch(int count, TimeSpan defaultTimeout, Func<TimeSpan, TimeSpan> dilate) =>
        (_event, _timeout, _dilate) = (new CountdownEvent(count), defaultTimeout, dilate);

    public bool IsOpen => _event.IsSet;
    public void CountDown() => _event.Signal();
    public void Reset() => _event.Reset();
    public void Ready() => Ready(_timeout);

    public void Open()
    {
        while (!IsOpen) CountDown();
    }

    /// <exception cref="TimeoutException">Still closed after the time.</exception>
    public void Ready(TimeSpan timeout)
    {
        if (timeout == TimeSpan.MaxValue) throw new ArgumentException("TestLatch does not support waiting for eternity", nameof(timeout));
        if (!_event.Wait(_dilate(timeout))) throw new TimeoutException($"Timeout of {timeout} ({_event.CurrentCount} of {_event.InitialCount} still to come)");
    }
}
