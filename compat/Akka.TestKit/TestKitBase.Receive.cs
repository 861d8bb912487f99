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
    public async IAsyncEnumerable<object> ReceiveNAsync(
        int numberOfMessages, TimeSpan max, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var one in await Some(numberOfMessages, Dilated(max), cancellationToken).ConfigureAwait(false)) yield return one;
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
