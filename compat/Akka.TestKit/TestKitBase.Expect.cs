using Akka.Actor;

namespace Akka.TestKit;

// Expectations: each takes the next message, and fails the test when it is not the one.
public abstract partial class TestKitBase
{
    private async ValueTask<T> Next<T>(TimeSpan? timeout, Action<T, IActorRef> assert, string hint, CancellationToken cancellationToken)
    {
        var limit = RemainingOrDilated(timeout);
        var (success, envelope) = await Take(limit, peek: false, cancellationToken).ConfigureAwait(false);
        if (!success) _assertions.Fail("Failed: Timeout {0} while waiting for a message of type {1}{2}", limit, typeof(T), Why(hint));
        if (envelope.Message is not T message)
        {
            _assertions.Fail("Failed: Expected a message of type {0}, but received {{{1}}} (type {2}) instead from {3}{4}",
                typeof(T), envelope.Message, envelope.Message.GetType(), envelope.Sender, Why(hint));
            return default;
        }
        assert?.Invoke(message, envelope.Sender);
        return message;
    }

    private static string Why(string hint) => string.IsNullOrEmpty(hint) ? "" : $" [{hint}]";

    private void Same<T>(T expected, T actual, string hint) =>
        _assertions.AssertEqual(expected, actual, "Expected {0}, got {1}{2}", expected, actual, Why(hint));

    private void Matches<T>(bool matches, T message, string hint) => _assertions.AssertTrue(
        matches, "Failed: Got a message of the expected type <{0}>, but it does not match: {{{1}}}{2}", typeof(T), message, Why(hint));

    public T ExpectMsg<T>(TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        Sync(ExpectMsgAsync<T>(duration, hint, cancellationToken));
    public ValueTask<T> ExpectMsgAsync<T>(TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>(duration, null, hint, cancellationToken);
    public T ExpectMsg<T>(T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Sync(ExpectMsgAsync<T>(message, timeout, hint, cancellationToken));
    public ValueTask<T> ExpectMsgAsync<T>(
        T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>(timeout, (m, _) => Same(message, m, hint), hint, cancellationToken);
    public T ExpectMsg<T>(
        Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Sync(ExpectMsgAsync<T>(isMessage, timeout, hint, cancellationToken));
    public ValueTask<T> ExpectMsgAsync<T>(
        Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>(timeout, (m, _) => Matches(isMessage(m), m, hint), hint, cancellationToken);
    public T ExpectMsg<T>(Action<T> assert, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Sync(ExpectMsgAsync<T>(assert, timeout, hint, cancellationToken));
    public ValueTask<T> ExpectMsgAsync<T>(
        Action<T> assert, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>(timeout, (m, _) => assert(m), hint, cancellationToken);
    public T ExpectMsg<T>(
        Func<T, IActorRef, bool> isMessageAndSender, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Sync(ExpectMsgAsync<T>(isMessageAndSender, timeout, hint, cancellationToken));
    public ValueTask<T> ExpectMsgAsync<T>(
        Func<T, IActorRef, bool> isMessageAndSender, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>(timeout, (m, s) => Matches(isMessageAndSender(m, s), m, hint), hint, cancellationToken);
    public T ExpectMsg<T>(
        Action<T, IActorRef> assertMessageAndSender, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Sync(ExpectMsgAsync<T>(assertMessageAndSender, timeout, hint, cancellationToken));
    public ValueTask<T> ExpectMsgAsync<T>(
        Action<T, IActorRef> assertMessageAndSender, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>(timeout, assertMessageAndSender, hint, cancellationToken);
    public T ExpectMsgFrom<T>(
        IActorRef sender, TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        Sync(ExpectMsgFromAsync<T>(sender, duration, hint, cancellationToken));
    public ValueTask<T> ExpectMsgFromAsync<T>(
        IActorRef sender, TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>(duration, (_, s) => Same(sender, s, hint), hint, cancellationToken);
    public T ExpectMsgFrom<T>(
        IActorRef sender, T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Sync(ExpectMsgFromAsync<T>(sender, message, timeout, hint, cancellationToken));
    public ValueTask<T> ExpectMsgFromAsync<T>(
        IActorRef sender, T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<T>(timeout, (m, s) => { Same(message, m, hint); Same(sender, s, hint); }, hint, cancellationToken);

    public Terminated ExpectTerminated(
        IActorRef target, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Sync(ExpectTerminatedAsync(target, timeout, hint, cancellationToken));
    public ValueTask<Terminated> ExpectTerminatedAsync(
        IActorRef target, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        Next<Terminated>(timeout, (m, _) => Same(target, m.ActorRef, hint), hint, cancellationToken);

    public T ExpectMsgAnyOf<T>(IEnumerable<T> messages, CancellationToken cancellationToken = default) =>
        Sync(ExpectMsgAnyOfAsync(messages, cancellationToken));
    public ValueTask<T> ExpectMsgAnyOfAsync<T>(IEnumerable<T> messages, CancellationToken cancellationToken = default) =>
        Next<T>(null, (m, _) => Matches(messages.Contains(m), m, "any of " + string.Join(", ", messages)), null, cancellationToken);

    /// <summary>All of them, in any order, and nothing in between.</summary>
    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        Sync(AllOf(RemainingOrDefault, messages, cancellationToken));
    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(TimeSpan max, IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        Sync(AllOf(Dilated(max), messages, cancellationToken));
    public IAsyncEnumerable<T> ExpectMsgAllOfAsync<T>(IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        Each(() => AllOf(RemainingOrDefault, messages, cancellationToken));
    public IAsyncEnumerable<T> ExpectMsgAllOfAsync<T>(TimeSpan max, IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        Each(() => AllOf(Dilated(max), messages, cancellationToken));

    private async Task<List<T>> AllOf<T>(TimeSpan max, IReadOnlyCollection<T> messages, CancellationToken cancellationToken)
    {
        var got = await Some(messages.Count, max, cancellationToken).ConfigureAwait(false);
        var missing = messages.Where(m => !got.Any(g => Equals(g, m))).ToList();
        var unexpected = got.Where(g => !messages.Any(m => Equals(g, m))).ToList();
        _assertions.AssertTrue(missing.Count == 0 && unexpected.Count == 0,
            "not found [{0}], found unexpected [{1}]", string.Join(", ", missing), string.Join(", ", unexpected));
        return [.. got.Cast<T>()];
    }
}
