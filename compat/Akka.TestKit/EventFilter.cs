using System.Text.RegularExpressions;
using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Internal;

namespace Akka.TestKit
{
    public interface IUnmutableFilter : IDisposable
    {
        void Unmute();
    }

    /// <summary>Runs something and checks how many of the described log events it brings about.</summary>
    public interface IEventFilterApplier
    {
        EventFilterFactory And { get; }
        void Expect(int expectedCount, Action action, CancellationToken cancellationToken = default);
        void Expect(int expectedCount, TimeSpan timeout, Action action, CancellationToken cancellationToken = default);
        T Expect<T>(int expectedCount, Func<T> func, CancellationToken cancellationToken = default);
        T Expect<T>(int expectedCount, TimeSpan timeout, Func<T> func, CancellationToken cancellationToken = default);
        Task ExpectAsync(int expectedCount, Func<Task> actionAsync, CancellationToken cancellationToken = default);
        Task ExpectAsync(int expectedCount, TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default);
        Task<T> ExpectAsync<T>(int expectedCount, Func<Task<T>> func, CancellationToken cancellationToken = default);
        Task<T> ExpectAsync<T>(int expectedCount, TimeSpan timeout, Func<Task<T>> func, CancellationToken cancellationToken = default);
        void ExpectOne(Action action, CancellationToken cancellationToken = default);
        void ExpectOne(TimeSpan timeout, Action action, CancellationToken cancellationToken = default);
        T ExpectOne<T>(Func<T> func, CancellationToken cancellationToken = default);
        T ExpectOne<T>(TimeSpan timeout, Func<T> func, CancellationToken cancellationToken = default);
        Task ExpectOneAsync(Func<Task> actionAsync, CancellationToken cancellationToken = default);
        Task ExpectOneAsync(TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default);
        Task<T> ExpectOneAsync<T>(Func<Task<T>> func, CancellationToken cancellationToken = default);
        Task<T> ExpectOneAsync<T>(TimeSpan timeout, Func<Task<T>> func, CancellationToken cancellationToken = default);
        void Mute(Action action, CancellationToken cancellationToken = default);
        T Mute<T>(Func<T> func, CancellationToken cancellationToken = default);
        Task MuteAsync(Func<Task> action, CancellationToken cancellationToken = default);
        Task<T> MuteAsync<T>(Func<Task<T>> func, CancellationToken cancellationToken = default);
        IUnmutableFilter Mute();
    }

    /// <summary>Describes log events: by level, exception, text (whole, start, part or pattern) and source.</summary>
    public class EventFilterFactory
    {
        private readonly TestKitBase _kit;
        private readonly ActorSystem _system;
        private readonly EventFilterBase[] _filters;

        public EventFilterFactory(TestKitBase testkit) : this(testkit, testkit.Sys) { }
        public EventFilterFactory(TestKitBase testkit, ActorSystem system) : this(testkit, system, []) { }
        public EventFilterFactory(TestKitBase testkit, ActorSystem actorSystem, IReadOnlyList<EventFilterBase> filters) =>
            (_kit, _system, _filters) = (testkit, actorSystem, [.. filters]);

        private InternalEventFilterApplier Applier(Func<LogEvent, bool> matches) =>
            new(_kit, _system, [.. _filters, new EventFilterBase(matches)]);

        private static Func<string, bool> Text(string message, string start, string contains) => t =>
            message is not null ? t == message
            : start is not null ? t.StartsWith(start, StringComparison.Ordinal)
            : contains is null || t.Contains(contains, StringComparison.Ordinal);

        private static bool Source(string source, LogEvent e)
        {
            if (source is null) return true;
            // A path may be given whole or without its address; the log writes references as [path#uid].
            var actual = e.LogSource.Trim('[', ']');
            if (actual.IndexOf('#') is >= 0 and var hash) actual = actual[..hash];
            return actual == source || e.LogSource == source || (source.StartsWith('/') && actual.EndsWith(source, StringComparison.Ordinal))
                || actual.EndsWith("/user/" + source, StringComparison.Ordinal);
        }

        private InternalEventFilterApplier For<TEvent>(Func<string, bool> text, string source) where TEvent : LogEvent =>
            Applier(e => e is TEvent && e.Message is not Akka.Event.DeadLetter && text(e.Message?.ToString() ?? "") && Source(source, e));

        public IEventFilterApplier Debug(string message = null, string start = null, string contains = null, string source = null) => For<Akka.Event.Debug>(Text(message, start, contains), source);
        public IEventFilterApplier Debug(Regex pattern, string source = null) => For<Akka.Event.Debug>(t => pattern.IsMatch(t), source);
        public IEventFilterApplier Info(string message = null, string start = null, string contains = null, string source = null) => For<Akka.Event.Info>(Text(message, start, contains), source);
        public IEventFilterApplier Info(Regex pattern, string source = null) => For<Akka.Event.Info>(t => pattern.IsMatch(t), source);
        public IEventFilterApplier Warning(string message = null, string start = null, string contains = null, string source = null) => For<Akka.Event.Warning>(Text(message, start, contains), source);
        public IEventFilterApplier Warning(Regex pattern, string source = null) => For<Akka.Event.Warning>(t => pattern.IsMatch(t), source);
        public IEventFilterApplier Error(string message = null, string start = null, string contains = null, string source = null) => For<Akka.Event.Error>(Text(message, start, contains), source);
        public IEventFilterApplier Error(Regex pattern, string source = null) => For<Akka.Event.Error>(t => pattern.IsMatch(t), source);

        public IEventFilterApplier ForLogLevel(LogLevel logLevel, string message = null, string start = null, string contains = null, string source = null) => ForLevel(logLevel, Text(message, start, contains), source);
        public IEventFilterApplier ForLogLevel(LogLevel logLevel, Regex pattern, string source = null) => ForLevel(logLevel, t => pattern.IsMatch(t), source);
        private InternalEventFilterApplier ForLevel(LogLevel level, Func<string, bool> text, string source) => level switch
        {
            LogLevel.DebugLevel => For<Akka.Event.Debug>(text, source),
            LogLevel.InfoLevel => For<Akka.Event.Info>(text, source),
            LogLevel.WarningLevel => For<Akka.Event.Warning>(text, source),
            _ => For<Akka.Event.Error>(text, source),
        };

        public IEventFilterApplier Exception<TException>(string message = null, string start = null, string contains = null, string source = null) where TException : Exception =>
            Exception(typeof(TException), message, start, contains, source);
        public IEventFilterApplier Exception<TException>(Regex pattern, string source = null) where TException : Exception => Exception(typeof(TException), pattern, source);
        public IEventFilterApplier Exception(Type exceptionType, string message = null, string start = null, string contains = null, string source = null, bool checkInnerExceptions = false) =>
            ForException(exceptionType, Text(message, start, contains), source, checkInnerExceptions);
        public IEventFilterApplier Exception(Type exceptionType, Regex pattern, string source = null, bool checkInnerExceptions = false) =>
            ForException(exceptionType, t => pattern.IsMatch(t), source, checkInnerExceptions);

        private InternalEventFilterApplier ForException(Type type, Func<string, bool> text, string source, bool inner) => Applier(e =>
        {
            if (e is not Akka.Event.Error { Cause: { } cause } || !Source(source, e)) return false;
            for (var candidate = cause; candidate is not null; candidate = inner ? candidate.InnerException : null)
                if (type.IsInstanceOfType(candidate) && (text(candidate.Message) || text(e.Message?.ToString() ?? "")))
                    return true;
            return false;
        });

        public IEventFilterApplier DeadLetter() => Letter(_ => true, null);
        public IEventFilterApplier DeadLetter<TMessage>(string source = null) => Letter(static m => m is TMessage, source);
        public IEventFilterApplier DeadLetter<TMessage>(Func<TMessage, bool> isMatch, string source = null) => Letter(m => m is TMessage t && isMatch(t), source);
        public IEventFilterApplier DeadLetter(Type type, string source = null) => Letter(type.IsInstanceOfType, source);
        public IEventFilterApplier DeadLetter(Type type, Func<object, bool> isMatch, string source = null) => Letter(m => type.IsInstanceOfType(m) && isMatch(m), source);
        private InternalEventFilterApplier Letter(Func<object, bool> isMatch, string source) =>
            Applier(e => e.Message is Akka.Event.DeadLetter letter && isMatch(letter.Message) && Source(source, e));

        public IEventFilterApplier Custom(Predicate<LogEvent> predicate) => Applier(e => predicate(e));
        public IEventFilterApplier Custom<TLogEvent>(Predicate<TLogEvent> predicate) where TLogEvent : LogEvent => Applier(e => e is TLogEvent t && predicate(t));
    }
}

namespace Akka.TestKit.Internal
{
    public class EventFilterBase : IEventFilter
    {
        private readonly Func<LogEvent, bool> _matches;
        internal EventFilterBase(Func<LogEvent, bool> matches) => _matches = matches;
        internal event Action Matched;

        public bool Apply(LogEvent logEvent)
        {
            if (!_matches(logEvent)) return false;
            Matched?.Invoke();
            return true;
        }
    }

    public class InternalEventFilterApplier : IEventFilterApplier
    {
        private readonly TestKitBase _kit;
        private readonly ActorSystem _system;
        private readonly IReadOnlyList<EventFilterBase> _filters;

        public InternalEventFilterApplier(TestKitBase testkit, ActorSystem system, IReadOnlyList<EventFilterBase> filters) => (_kit, _system, _filters) = (testkit, system, filters);

        public EventFilterFactory And => new(_kit, _system, _filters);

        private static Func<Task<T>> Sync<T>(Func<T> func) => () => Task.FromResult(func());
        private static Func<Task<object>> Sync(Action action) => () => { action(); return Task.FromResult<object>(null); };
        private static Func<Task<object>> Async(Func<Task> action) => async () => { await action(); return null; };

        public void Expect(int expectedCount, Action action, CancellationToken cancellationToken = default) => Intercept(Sync(action), null, expectedCount, cancellationToken).GetAwaiter().GetResult();
        public void Expect(int expectedCount, TimeSpan timeout, Action action, CancellationToken cancellationToken = default) => Intercept(Sync(action), timeout, expectedCount, cancellationToken).GetAwaiter().GetResult();
        public T Expect<T>(int expectedCount, Func<T> func, CancellationToken cancellationToken = default) => Intercept(Sync(func), null, expectedCount, cancellationToken).GetAwaiter().GetResult();
        public T Expect<T>(int expectedCount, TimeSpan timeout, Func<T> func, CancellationToken cancellationToken = default) => Intercept(Sync(func), timeout, expectedCount, cancellationToken).GetAwaiter().GetResult();
        public Task ExpectAsync(int expectedCount, Func<Task> actionAsync, CancellationToken cancellationToken = default) => Intercept(Async(actionAsync), null, expectedCount, cancellationToken);
        public Task ExpectAsync(int expectedCount, TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default) => Intercept(Async(action), timeout, expectedCount, cancellationToken);
        public Task<T> ExpectAsync<T>(int expectedCount, Func<Task<T>> func, CancellationToken cancellationToken = default) => Intercept(func, null, expectedCount, cancellationToken);
        public Task<T> ExpectAsync<T>(int expectedCount, TimeSpan timeout, Func<Task<T>> func, CancellationToken cancellationToken = default) => Intercept(func, timeout, expectedCount, cancellationToken);
        public void ExpectOne(Action action, CancellationToken cancellationToken = default) => Expect(1, action, cancellationToken);
        public void ExpectOne(TimeSpan timeout, Action action, CancellationToken cancellationToken = default) => Expect(1, timeout, action, cancellationToken);
        public T ExpectOne<T>(Func<T> func, CancellationToken cancellationToken = default) => Expect(1, func, cancellationToken);
        public T ExpectOne<T>(TimeSpan timeout, Func<T> func, CancellationToken cancellationToken = default) => Expect(1, timeout, func, cancellationToken);
        public Task ExpectOneAsync(Func<Task> actionAsync, CancellationToken cancellationToken = default) => ExpectAsync(1, actionAsync, cancellationToken);
        public Task ExpectOneAsync(TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default) => ExpectAsync(1, timeout, action, cancellationToken);
        public Task<T> ExpectOneAsync<T>(Func<Task<T>> func, CancellationToken cancellationToken = default) => ExpectAsync(1, func, cancellationToken);
        public Task<T> ExpectOneAsync<T>(TimeSpan timeout, Func<Task<T>> func, CancellationToken cancellationToken = default) => ExpectAsync(1, timeout, func, cancellationToken);
        public void Mute(Action action, CancellationToken cancellationToken = default) => Intercept(Sync(action), null, null, cancellationToken).GetAwaiter().GetResult();
        public T Mute<T>(Func<T> func, CancellationToken cancellationToken = default) => Intercept(Sync(func), null, null, cancellationToken).GetAwaiter().GetResult();
        public Task MuteAsync(Func<Task> action, CancellationToken cancellationToken = default) => Intercept(Async(action), null, null, cancellationToken);
        public Task<T> MuteAsync<T>(Func<Task<T>> func, CancellationToken cancellationToken = default) => Intercept(func, null, null, cancellationToken);

        public IUnmutableFilter Mute()
        {
            _system.EventStream.Publish(new TestEventListener.Mute(_filters));
            return new Unmutable(_system, _filters);
        }

        private async Task<T> Intercept<T>(Func<Task<T>> func, TimeSpan? timeout, int? expected, CancellationToken cancellationToken)
        {
            var limit = timeout is { } given ? _kit.Dilated(given) : _kit.Dilated(_kit.TestKitSettings.TestEventFilterLeeway);
            var count = 0;
            void OnMatched() => Interlocked.Increment(ref count);
            foreach (var filter in _filters) filter.Matched += OnMatched;
            using var muted = Mute();
            try
            {
                var result = await func();
                if (expected is not { } wanted) return result;
                // "None" can only be seen by waiting; any other number is there when it is there.
                var reached = await _kit.AwaitConditionNoThrowAsync(() => wanted > 0 ? Volatile.Read(ref count) >= wanted : Volatile.Read(ref count) > 0,
                    limit, TimeSpan.FromMilliseconds(10), cancellationToken).ConfigureAwait(false);
                var seen = Volatile.Read(ref count);
                if (seen != wanted)
                    _kit.Assertions.Fail(seen < wanted ? "Timeout ({0}) while waiting for {1} matching log events. Only {2} came." : "Within {0}: expected {1} matching log events, but {2} came.", limit, wanted, seen);
                return result;
            }
            finally
            {
                foreach (var filter in _filters) filter.Matched -= OnMatched;
            }
        }

        private sealed class Unmutable(ActorSystem system, IReadOnlyList<EventFilterBase> filters) : IUnmutableFilter
        {
            private int _done;
            public void Dispose() => Unmute();
            public void Unmute()
            {
                if (Interlocked.Exchange(ref _done, 1) == 0) system.EventStream.Publish(new TestEventListener.Unmute(filters));
            }
        }
    }
}
