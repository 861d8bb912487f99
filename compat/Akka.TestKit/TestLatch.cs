namespace Akka.TestKit;

/// <summary>Opens after so many countdowns.</summary>
public class TestLatch
{
    private readonly CountdownEvent _latch;
    private readonly Func<TimeSpan, TimeSpan> _dilate;
    private readonly TimeSpan _default;

    public TestLatch() : this(1) { }
    public TestLatch(int count) : this(count, TimeSpan.FromSeconds(5)) { }
    public TestLatch(int count, TimeSpan defaultTimeout) : this(static t => t, defaultTimeout, count) { }
    internal TestLatch(Func<TimeSpan, TimeSpan> dilate, int count, TimeSpan defaultTimeout) : this(dilate, defaultTimeout, count) { }
    protected TestLatch(Func<TimeSpan, TimeSpan> dilate, TimeSpan defaultTimeout, int count)
    {
        _latch = new CountdownEvent(count);
        _dilate = dilate;
        _default = defaultTimeout;
    }

    public bool IsOpen => _latch.IsSet;
    public void CountDown() => _latch.Signal();
    public void Open() => _latch.Signal(_latch.CurrentCount);
    public void Reset() => _latch.Reset();
    public void Ready() => Ready(_default);
    /// <exception cref="TimeoutException">Not open in time.</exception>
    public void Ready(TimeSpan timeout)
    {
        if (!_latch.Wait(_dilate(timeout))) throw new TimeoutException($"Timeout of {timeout}");
    }
}

/// <summary>Lets so many threads go on together.</summary>
public class TestBarrier(TestKitBase testKit, int count, TimeSpan? defaultTimeout = null)
{
    private readonly Barrier _barrier = new(count);
    public void Await() => Await(testKit.Dilated(defaultTimeout ?? TimeSpan.FromSeconds(5)));
    public void Await(TimeSpan timeout)
    {
        if (!_barrier.SignalAndWait(timeout)) throw new TimeoutException($"Timeout of {timeout} at the barrier");
    }
}
