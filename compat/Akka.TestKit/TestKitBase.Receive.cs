using System.Collections;
using System.Runtime.CompilerServices;

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

    public ValueTask<(bool success, MessageEnvelope envelope)> TryReceiveOneAsync(TimeSpan? max, CancellationToken cancellationToken = default) => Take(max, peek: false, cancellationToken);
    public bool TryReceiveOne(out MessageEnvelope envelope, TimeSpan? max = null, CancellationToken cancellationToken = default)
    {
        (var success, envelope) = Sync(Take(max, peek: false, cancellationToken));
        return success;
    }

    public ValueTask<(bool success, MessageEnvelope envelope)> TryPeekOneAsync(TimeSpan? max, CancellationToken cancellationToken) => Take(max, peek: true, cancellationToken);
    public bool TryPeekOne(out MessageEnvelope envelope, TimeSpan? max, CancellationToken cancellationToken)
    {
        (var success, envelope) = Sync(Take(max, peek: true, cancellationToken));
        return success;
    }

    public object ReceiveOne(TimeSpan? max = null, CancellationToken cancellationToken = default) => Sync(ReceiveOneAsync(max, cancellationToken));
    public async ValueTask<object> ReceiveOneAsync(TimeSpan? max = null, CancellationToken cancellationToken = default)
    {
        var (success, envelope) = await Take(max, peek: false, cancellationToken).ConfigureAwait(false);
        return success ? envelope.Message : null;
    }

    public object PeekOne(TimeSpan? max = null, CancellationToken cancellationToken = default) => Sync(PeekOneAsync(max, cancellationToken));
    public object PeekOne(CancellationToken cancellationToken) => PeekOne(null, cancellationToken);
    public ValueTask<object> PeekOneAsync(CancellationToken cancellationToken) => PeekOneAsync(null, cancellationToken);
    public async ValueTask<object> PeekOneAsync(TimeSpan? max = null, CancellationToken cancellationToken = default)
    {
        var (success, envelope) = await Take(max, peek: true, cancellationToken).ConfigureAwait(false);
        return success ? envelope.Message : null;
    }

    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages, CancellationToken cancellationToken = default) => Sync(Some(numberOfMessages, RemainingOrDefault, cancellationToken));
    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages, TimeSpan max, CancellationToken cancellationToken = default) => Sync(Some(numberOfMessages, Dilated(max), cancellationToken));
    public IAsyncEnumerable<object> ReceiveNAsync(int numberOfMessages, CancellationToken cancellationToken = default) => Each(Some(numberOfMessages, RemainingOrDefault, cancellationToken), cancellationToken);
    public IAsyncEnumerable<object> ReceiveNAsync(int numberOfMessages, TimeSpan max, CancellationToken cancellationToken = default) => Each(Some(numberOfMessages, Dilated(max), cancellationToken), cancellationToken);

    private static async IAsyncEnumerable<T> Each<T>(Task<List<T>> all, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var one in await all.WaitAsync(cancellationToken).ConfigureAwait(false)) yield return one;
    }

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

    /// <summary>The filter's non-null results, until it gives null, the time is over or nothing comes for the idle time.</summary>
    public IReadOnlyList<T> ReceiveWhile<T>(TimeSpan? max, Func<object, T> filter, int msgs = int.MaxValue, CancellationToken cancellationToken = default) => Sync(While(filter, max, null, msgs, cancellationToken));
    public IReadOnlyList<T> ReceiveWhile<T>(TimeSpan? max, TimeSpan? idle, Func<object, T> filter, int msgs = int.MaxValue, CancellationToken cancellationToken = default) => Sync(While(filter, max, idle, msgs, cancellationToken));
    public IReadOnlyList<T> ReceiveWhile<T>(Func<object, T> filter, TimeSpan? max = null, TimeSpan? idle = null, int msgs = int.MaxValue, CancellationToken cancellationToken = default) => Sync(While(filter, max, idle, msgs, cancellationToken));
    public IAsyncEnumerable<T> ReceiveWhileAsync<T>(Func<object, T> filter, TimeSpan? max = null, TimeSpan? idle = null, int msgs = int.MaxValue, CancellationToken cancellationToken = default) => Each(While(filter, max, idle, msgs, cancellationToken), cancellationToken);

    public IReadOnlyList<T> ReceiveWhile<T>(Predicate<T> shouldContinue, TimeSpan? max = null, TimeSpan? idle = null, int msgs = int.MaxValue, bool shouldIgnoreOtherMessageTypes = true, CancellationToken cancellationToken = default)
    {
        var kept = new List<T>();
        Sync(While<object>(m =>
        {
            if (m is not T t) return shouldIgnoreOtherMessageTypes ? m : null;
            if (!shouldContinue(t)) return null;
            kept.Add(t);
            return m;
        }, max, idle, msgs, cancellationToken));
        return kept;
    }

    private async Task<List<T>> While<T>(Func<object, T> filter, TimeSpan? max, TimeSpan? idle, int msgs, CancellationToken cancellationToken)
    {
        var stop = Now + RemainingOrDilated(max);
        var results = new List<T>();
        while (results.Count < msgs)
        {
            var left = Positive(stop - Now);
            if (idle is { } pause && pause >= TimeSpan.Zero && pause < left) left = pause;
            var (success, envelope) = await Take(left, peek: true, cancellationToken).ConfigureAwait(false);
            if (!success) break;
            // The message that ends the run stays in the queue.
            if (filter(envelope.Message) is not { } result) break;
            await Take(TimeSpan.Zero, peek: false, cancellationToken).ConfigureAwait(false);
            results.Add(result);
        }
        _lastWasNoMessage = true;
        return results;
    }

    public object FishForMessage(Predicate<object> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) => FishForMessage<object>(isMessage, max, hint, cancellationToken);
    public T FishForMessage<T>(Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) => Sync(FishForMessageAsync(isMessage, null, max, hint, cancellationToken));
    public T FishForMessage<T>(Predicate<T> isMessage, ArrayList allMessages, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) => Sync(FishForMessageAsync(isMessage, allMessages, max, hint, cancellationToken));
    public ValueTask<object> FishForMessageAsync(Predicate<object> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) => FishForMessageAsync<object>(isMessage, null, max, hint, cancellationToken);
    public ValueTask<T> FishForMessageAsync<T>(Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) => FishForMessageAsync(isMessage, null, max, hint, cancellationToken);

    public async ValueTask<T> FishForMessageAsync<T>(Predicate<T> isMessage, ArrayList allMessages, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default)
    {
        var limit = RemainingOrDilated(max);
        var stop = Now + limit;
        allMessages?.Clear();
        while (true)
        {
            var (success, envelope) = await Take(Positive(stop - Now), peek: false, cancellationToken).ConfigureAwait(false);
            if (!success) _assertions.Fail("Timeout ({0}) during fishForMessage{1}", limit, string.IsNullOrEmpty(hint) ? "" : ", hint: " + hint);
            if (envelope.Message is T message && isMessage(message)) return message;
            allMessages?.Add(envelope.Message);
        }
    }

    public async Task FishUntilMessageAsync<T>(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        await FishForMessageAsync<T>(static _ => true, max, "", cancellationToken).ConfigureAwait(false);

    public void ExpectNoMsg(CancellationToken cancellationToken = default) => Sync(NoMessage(NoMessageRemainingOrDefault, cancellationToken));
    public void ExpectNoMsg(TimeSpan duration, CancellationToken cancellationToken = default) => Sync(NoMessage(Dilated(duration), cancellationToken));
    public void ExpectNoMsg(int milliseconds, CancellationToken cancellationToken = default) => ExpectNoMsg(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);
    public ValueTask ExpectNoMsgAsync(CancellationToken cancellationToken = default) => NoMessage(NoMessageRemainingOrDefault, cancellationToken);
    public ValueTask ExpectNoMsgAsync(TimeSpan duration, CancellationToken cancellationToken = default) => NoMessage(Dilated(duration), cancellationToken);
    public ValueTask ExpectNoMsgAsync(int milliseconds, CancellationToken cancellationToken = default) => ExpectNoMsgAsync(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);

    private async ValueTask NoMessage(TimeSpan duration, CancellationToken cancellationToken)
    {
        var (success, envelope) = await Take(duration, peek: false, cancellationToken).ConfigureAwait(false);
        if (success) _assertions.Fail("Expected no messages during {0}, instead we received {1}", duration, envelope);
        _lastWasNoMessage = true;
    }
}
