namespace Akka.TestKit;

// Taking messages out of the queue.
public abstract partial class TestKitBase
{
    /// <summary>Null: the default; zero: only what is there; negative: for ever.</summary>
    private async ValueTask<(bool Success, MessageEnvelope Envelope)> Take(TimeSpan? max, bool peek, CancellationToken cancellationToken)
    {
        var limit = max ?? RemainingOrDefault;
        MessageEnvelope envelope;
        if (!(peek ? _queue.Reader.TryPeek(out envelope) : _queue.Reader.TryRead(out envelope)) && limit != TimeSpan.Zero)
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (limit > TimeSpan.Zero) timeout.CancelAfter(limit);
            try
            {
                while (await _queue.Reader.WaitToReadAsync(timeout.Token).ConfigureAwait(false))
                    if (peek ? _queue.Reader.TryPeek(out envelope) : _queue.Reader.TryRead(out envelope)) break;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
            }
        }
        _lastWasNoMessage = false;
        if (envelope is null) return (false, NullMessageEnvelope.Instance);
        if (!peek) _lastMessage = envelope;
        return (true, envelope);
    }

    public object ReceiveOne(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        Sync(ReceiveOneAsync(max, cancellationToken));
    public async ValueTask<object> ReceiveOneAsync(TimeSpan? max = null, CancellationToken cancellationToken = default)
    {
        var (success, envelope) = await Take(max, peek: false, cancellationToken).ConfigureAwait(false);
        return success ? envelope.Message : null;
    }

    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages, CancellationToken cancellationToken = default) =>
        Sync(Some(numberOfMessages, RemainingOrDefault, cancellationToken));
    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages, TimeSpan max, CancellationToken cancellationToken = default) =>
        Sync(Some(numberOfMessages, Dilated(max), cancellationToken));
    public IAsyncEnumerable<object> ReceiveNAsync(int numberOfMessages, TimeSpan max, CancellationToken cancellationToken = default) =>
        Each(() => Some(numberOfMessages, Dilated(max), cancellationToken));

    private static async IAsyncEnumerable<T> Each<T>(Func<Task<List<T>>> all)
    {
        foreach (var one in await all().ConfigureAwait(false)) yield return one;
    }

    public bool HasMessages => _queue.Reader.Count > 0;

    private async Task<List<object>> Some(int count, TimeSpan max, CancellationToken cancellationToken)
    {
        var stop = Now + max;
        var messages = new List<object>();
        while (messages.Count < count)
        {
            var (success, envelope) = await Take(Positive(stop - Now), peek: false, cancellationToken).ConfigureAwait(false);
            if (!success) _assertions.Fail("Timeout ({0}) while expecting {1} messages. Only got {2} after {3}.", max, count, messages.Count, max);
            messages.Add(envelope.Message);
        }
        return messages;
    }

    public IReadOnlyList<T> ReceiveWhile<T>(TimeSpan? max, Func<object, T> filter, int msgs = int.MaxValue, CancellationToken cancellationToken = default) =>
        Sync(While(filter, max, null, msgs, cancellationToken));
    public IReadOnlyList<T> ReceiveWhile<T>(Func<object, T> filter, TimeSpan? max = null, TimeSpan? idle = null, int msgs = int.MaxValue,
        CancellationToken cancellationToken = default) => Sync(While(filter, max, idle, msgs, cancellationToken));
    public IReadOnlyList<T> ReceiveWhile<T>(Predicate<T> shouldContinue, TimeSpan? max = null, TimeSpan? idle = null, int msgs = int.MaxValue,
        bool shouldIgnoreOtherMessageTypes = true, CancellationToken cancellationToken = default) where T : class =>
        Sync(While(Continue(shouldContinue, shouldIgnoreOtherMessageTypes), max, idle, msgs, cancellationToken)).OfType<T>().ToList();
    public IAsyncEnumerable<T> ReceiveWhileAsync<T>(TimeSpan? max, Func<object, T> filter, int msgs = int.MaxValue,
        CancellationToken cancellationToken = default) => Each(() => While(filter, max, null, msgs, cancellationToken));
    public IAsyncEnumerable<T> ReceiveWhileAsync<T>(Func<object, T> filter, TimeSpan? max = null, TimeSpan? idle = null, int msgs = int.MaxValue,
        CancellationToken cancellationToken = default) => Each(() => While(filter, max, idle, msgs, cancellationToken));

    private static Func<object, object> Continue<T>(Predicate<T> shouldContinue, bool ignoreOthers) =>
        m => m is T t ? shouldContinue(t) ? t : null : ignoreOthers ? OtherType : null;
    private static readonly object OtherType = new();

    /// <summary>Until the filter gives null for a message, which then stays in the queue, or nothing comes for so long.</summary>
    private async Task<List<T>> While<T>(Func<object, T> filter, TimeSpan? max, TimeSpan? idle, int count, CancellationToken cancellationToken)
    {
        var stop = Now + RemainingOrDilated(max);
        var results = new List<T>();
        while (results.Count < count)
        {
            var left = Positive(stop - Now);
            var (success, envelope) = await Take(idle is { } quiet && quiet >= TimeSpan.Zero && quiet < left ? quiet : left, peek: true, cancellationToken).ConfigureAwait(false);
            var outer = _lastMessage;
            // The filter may ask who sent it.
            if (success) _lastMessage = envelope;
            if (!success || filter(envelope.Message) is not { } result)
            {
                _lastMessage = outer;
                break;
            }
            await Take(TimeSpan.Zero, peek: false, cancellationToken).ConfigureAwait(false);
            results.Add(result);
        }
        _lastWasNoMessage = true;
        return results;
    }

    /// <summary>Fails when a message of that type comes within the time.</summary>
    public async Task FishUntilMessageAsync<T>(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        await While<object>(m => { _assertions.AssertTrue(m is not T, "did not expect a message of type {0}", typeof(T)); return m; }, max, max, int.MaxValue, cancellationToken);

    public object FishForMessage(Predicate<object> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishForMessage<object>(isMessage, max, hint, cancellationToken);
    public T FishForMessage<T>(
        Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        Sync(FishForMessageAsync(isMessage, max, hint, cancellationToken));

    public async ValueTask<T> FishForMessageAsync<T>(
        Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default)
    {
        var limit = RemainingOrDilated(max);
        var stop = Now + limit;
        while (true)
        {
            var (success, envelope) = await Take(Positive(stop - Now), peek: false, cancellationToken).ConfigureAwait(false);
            if (!success) _assertions.Fail("Timeout ({0}) during fishForMessage{1}", limit, string.IsNullOrEmpty(hint) ? "" : ", hint: " + hint);
            if (envelope.Message is T message && isMessage(message)) return message;
        }
    }

    public void ExpectNoMsg(CancellationToken cancellationToken = default) => Sync(NoMessage(NoMessageRemainingOrDefault, cancellationToken));
    public void ExpectNoMsg(TimeSpan duration, CancellationToken cancellationToken = default) =>
        Sync(NoMessage(Dilated(duration), cancellationToken));
    public void ExpectNoMsg(int milliseconds, CancellationToken cancellationToken = default) =>
        ExpectNoMsg(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);
    public ValueTask ExpectNoMsgAsync(CancellationToken cancellationToken = default) =>
        NoMessage(NoMessageRemainingOrDefault, cancellationToken);
    public ValueTask ExpectNoMsgAsync(TimeSpan duration, CancellationToken cancellationToken = default) =>
        NoMessage(Dilated(duration), cancellationToken);
    public ValueTask ExpectNoMsgAsync(int milliseconds, CancellationToken cancellationToken = default) =>
        ExpectNoMsgAsync(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);

    private async ValueTask NoMessage(TimeSpan duration, CancellationToken cancellationToken)
    {
        var (success, envelope) = await Take(duration, peek: false, cancellationToken).ConfigureAwait(false);
        if (success) _assertions.Fail("Expected no messages during {0}, instead we received {1}", duration, envelope);
        _lastWasNoMessage = true;
    }
}
