using System.Diagnostics;

namespace Akka.TestKit;

// Deadlines: Within sets one, everything else keeps to it.
public abstract partial class TestKitBase
{
    private TimeSpan? _end;
    private bool _lastWasNoMessage;

    public static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <exception cref="InvalidOperationException">Outside Within.</exception>
    public TimeSpan Remaining => _end is { } end ? Positive(end - Now) : throw new InvalidOperationException("Remaining may not be called outside of \"within\"");
    public TimeSpan RemainingOrDefault => RemainingOr(Dilated(TestKitSettings.SingleExpectDefault));
    public TimeSpan NoMessageRemainingOrDefault => RemainingOr(Dilated(TestKitSettings.ExpectNoMessageDefault));
    protected TimeSpan RemainingOr(TimeSpan duration) => _end is { } end ? Positive(end - Now) : duration;
    public TimeSpan RemainingOrDilated(TimeSpan? duration)
    {
        if (duration is not { } given) return RemainingOrDefault;
        if (given < TimeSpan.Zero) throw new ArgumentException("max duration cannot be infinite", nameof(duration));
        return Dilated(given);
    }
    public TimeSpan Dilated(TimeSpan duration) => duration < TimeSpan.Zero ? duration : TimeSpan.FromTicks((long)(duration.Ticks * TestKitSettings.TestTimeFactor));
    private static TimeSpan Positive(TimeSpan span) => span < TimeSpan.Zero ? TimeSpan.Zero : span;

    public void Within(TimeSpan max, Action action, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        Within(TimeSpan.Zero, max, action, null, epsilonValue, cancellationToken);
    public void Within(TimeSpan min, TimeSpan max, Action action, string hint = null, TimeSpan? epsilonValue = null,
        CancellationToken cancellationToken = default) =>
        Within<object>(min, max, () => { action(); return null; }, hint, epsilonValue, cancellationToken);
    public T Within<T>(TimeSpan max, Func<T> function, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        Within(TimeSpan.Zero, max, function, null, epsilonValue, cancellationToken);
    public T Within<T>(TimeSpan min, TimeSpan max, Func<T> function, string hint = null, TimeSpan? epsilonValue = null,
        CancellationToken cancellationToken = default) =>
        Sync(WithinAsync(min, max, () => Task.FromResult(function()), hint, epsilonValue, cancellationToken));

    public Task WithinAsync(
        TimeSpan max, Func<Task> actionAsync, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        WithinAsync<object>(TimeSpan.Zero, max, async () => { await actionAsync(); return null; }, null, epsilonValue, cancellationToken);
    public async Task<T> WithinAsync<T>(TimeSpan min, TimeSpan max, Func<Task<T>> function, string hint = null,
        TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default)
    {
        var (start, outer, limit) = Enter(min, max);
        T result;
        try
        {
            result = await function();
        }
        finally
        {
            _end = outer;
        }
        Leave(start, min, limit, hint, epsilonValue);
        return result;
    }

    private (TimeSpan Start, TimeSpan? Outer, TimeSpan Limit) Enter(TimeSpan min, TimeSpan max)
    {
        if (max < TimeSpan.Zero) throw new ArgumentException("max duration cannot be infinite", nameof(max));
        var start = Now;
        var remaining = _end is { } end ? end - start : TimeSpan.MaxValue;
        _assertions.AssertTrue(remaining >= min, "Required min time {0} not possible, only {1} left.", min, remaining);
        _lastWasNoMessage = false;
        var limit = Dilated(max);
        if (remaining < limit) limit = remaining;
        var outer = _end;
        _end = start + limit;
        return (start, outer, limit);
    }

    private void Leave(TimeSpan start, TimeSpan min, TimeSpan limit, string hint, TimeSpan? epsilon)
    {
        var took = Now - start;
        var why = string.IsNullOrEmpty(hint) ? "" : $" [{hint}]";
        if (took < min) _assertions.Fail("Failed: Block took {0}, should have at least been {1}{2}", took, min, why);
        // A block that ended in "no message" has used up its time on purpose.
        if (!_lastWasNoMessage && took > limit + (epsilon ?? TimeSpan.Zero)) _assertions.Fail("Failed: Block took {0}, exceeding {1}{2}", took, limit, why);
    }

    public void AwaitCondition(Func<bool> conditionIsFulfilled, TimeSpan? max, CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, max, null, null, cancellationToken);
    public void AwaitCondition(Func<bool> conditionIsFulfilled, TimeSpan? max, TimeSpan? interval, string message = null,
        CancellationToken cancellationToken = default) =>
        Sync(Condition(() => Task.FromResult(conditionIsFulfilled()), max, interval, message, cancellationToken, sync: true));

    public Task AwaitConditionAsync(Func<Task<bool>> conditionIsFulfilled, TimeSpan? max, CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, max, null, null, cancellationToken);
    public Task AwaitConditionAsync(Func<bool> conditionIsFulfilled, TimeSpan? max, TimeSpan? interval, string message = null,
        CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(() => Task.FromResult(conditionIsFulfilled()), max, interval, message, cancellationToken);
    public Task AwaitConditionAsync(Func<Task<bool>> conditionIsFulfilled, TimeSpan? max, TimeSpan? interval, string message = null,
        CancellationToken cancellationToken = default) => Condition(conditionIsFulfilled, max, interval, message, cancellationToken);

    private async Task Condition(
        Func<Task<bool>> condition, TimeSpan? max, TimeSpan? interval, string message, CancellationToken cancellationToken, bool sync = false)
    {
        var limit = RemainingOrDilated(max);
        if (!await Poll(condition, limit, interval, cancellationToken, sync))
            _assertions.Fail("Timeout {0} expired while waiting for condition.{1}", limit, message is null ? "" : " " + message);
    }

    internal Task<bool> Reached(Func<bool> condition, TimeSpan max, TimeSpan interval, CancellationToken cancellationToken) =>
        Poll(() => Task.FromResult(condition()), max, interval, cancellationToken);

    private static async Task<bool> Poll(Func<Task<bool>> condition, TimeSpan max, TimeSpan? interval, CancellationToken cancellationToken, bool sync = false)
    {
        var stop = Now + max;
        while (!await condition().ConfigureAwait(!sync))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var left = stop - Now;
            if (left <= TimeSpan.Zero) return false;
            var pause = interval ?? TimeSpan.FromMilliseconds(100);
            if (pause > left) pause = left;
            if (sync) cancellationToken.WaitHandle.WaitOne(pause);
            else await Task.Delay(pause, cancellationToken);
        }
        return true;
    }

    /// <summary>Repeats the assertion until it does not throw; after the time its last exception goes through.</summary>
    public void AwaitAssert(
        Action assertion, TimeSpan? duration = null, TimeSpan? interval = null, CancellationToken cancellationToken = default) =>
        Sync(Holds(() => { assertion(); return Task.CompletedTask; }, duration, interval, cancellationToken, sync: true));
    public Task AwaitAssertAsync(
        Action assertion, TimeSpan? duration = null, TimeSpan? interval = null, CancellationToken cancellationToken = default) =>
        Holds(() => { assertion(); return Task.CompletedTask; }, duration, interval, cancellationToken);
    public Task AwaitAssertAsync(
        Func<Task> assertion, TimeSpan? duration = null, TimeSpan? interval = null, CancellationToken cancellationToken = default) =>
        Holds(assertion, duration, interval, cancellationToken);

    private async Task Holds(
        Func<Task> assertion, TimeSpan? duration, TimeSpan? interval, CancellationToken cancellationToken, bool sync = false)
    {
        Exception last = null;
        var held = await Poll(async () =>
        {
            try
            {
                await assertion();
                return true;
            }
            catch (Exception e)
            {
                last = e;
                return false;
            }
        }, RemainingOrDilated(duration), interval, cancellationToken, sync);
        if (!held) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(last);
    }
}
