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
        Task ExpectAsync(int expectedCount, Func<Task> actionAsync, CancellationToken cancellationToken = default);
        void ExpectOne(Action action, CancellationToken cancellationToken = default);
        void ExpectOne(TimeSpan timeout, Action action, CancellationToken cancellationToken = default);
        T ExpectOne<T>(Func<T> func, CancellationToken cancellationToken = default);
        Task ExpectOneAsync(Func<Task> actionAsync, CancellationToken cancellationToken = default);
        void Mute(Action action, CancellationToken cancellationToken = default);
        IUnmutableFilter Mute();
    }

    /// <summary>Describes log events: by level, exception, text (whole, start, part or pattern) and source.</summary>
    public class EventFilterFactory
    {
        private readonly TestKitBase _kit;
        private readonly ActorSystem _system;
        private readonly EventFilterBase[] _filters;

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
        public IEventFilterApplier Info(string message = null, string start = null, string contains = null, string source = null) => For<Akka.Event.Info>(Text(message, start, contains), source);
        public IEventFilterApplier Warning(string message = null, string start = null, string contains = null, string source = null) => For<Akka.Event.Warning>(Text(message, start, contains), source);
        public IEventFilterApplier Error(string message = null, string start = null, string contains = null, string source = null) => For<Akka.Event.Error>(Text(message, start, contains), source);

        public IEventFilterApplier ForLogLevel(LogLevel logLevel, string message = null, string start = null, string contains = null, string source = null) => logLevel switch
        {
            LogLevel.DebugLevel => Debug(message, start, contains, source),
            LogLevel.InfoLevel => Info(message, start, contains, source),
            LogLevel.WarningLevel => Warning(message, start, contains, source),
            _ => Error(message, start, contains, source),
        };

        public IEventFilterApplier Exception<TException>(string message = null, string start = null, string contains = null, string source = null) where TException : Exception =>
            Exception(typeof(TException), message, start, contains, source);
        public IEventFilterApplier Exception(Type exceptionType, string message = null, string start = null, string contains = null, string source = null, bool checkInnerExceptions = false) =>
            ForException(exceptionType, Text(message, start, contains), source, checkInnerExceptions);

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
        private InternalEventFilterApplier Letter(Func<object, bool> isMatch, string source) =>
            Applier(e => e.Message is Akka.Event.DeadLetter letter && isMatch(letter.Message) && Source(source, e));

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
        private static Func<Task<object>> Sync(Action action) => () => { action(); return Task.FromResult<object>(null); };
        private static Func<Task<object>> Async(Func<Task> action) => async () => { await action(); return null; };
        private T Wait<T>(Func<Task<T>> func, int expected, TimeSpan? timeout, CancellationToken cancellationToken) =>
            Intercept(func, timeout, expected, cancellationToken).GetAwaiter().GetResult();

        public void Expect(int expectedCount, Action action, CancellationToken cancellationToken = default) =>
            Wait(Sync(action), expectedCount, null, cancellationToken);
        public void Expect(int expectedCount, TimeSpan timeout, Action action, CancellationToken cancellationToken = default) =>
            Wait(Sync(action), expectedCount, timeout, cancellationToken);
        public Task ExpectAsync(int expectedCount, Func<Task> actionAsync, CancellationToken cancellationToken = default) =>
            Intercept(Async(actionAsync), null, expectedCount, cancellationToken);
        public void ExpectOne(Action action, CancellationToken cancellationToken = default) => Expect(1, action, cancellationToken);
        public void ExpectOne(TimeSpan timeout, Action action, CancellationToken cancellationToken = default) =>
            Expect(1, timeout, action, cancellationToken);
        public T ExpectOne<T>(Func<T> func, CancellationToken cancellationToken = default) =>
            Wait(() => Task.FromResult(func()), 1, null, cancellationToken);
        public Task ExpectOneAsync(Func<Task> actionAsync, CancellationToken cancellationToken = default) =>
            ExpectAsync(1, actionAsync, cancellationToken);

        public void Mute(Action action, CancellationToken cancellationToken = default)
        {
            using (Mute()) action();
        }

        public IUnmutableFilter Mute()
        {
            _system.EventStream.Publish(new TestEventListener.Mute(_filters));
            return new Unmutable(_system, _filters);
        }

        private async Task<T> Intercept<T>(Func<Task<T>> func, TimeSpan? timeout, int wanted, CancellationToken cancellationToken)
        {
            var limit = timeout is { } given ? _kit.Dilated(given) : _kit.Dilated(_kit.TestKitSettings.TestEventFilterLeeway);
            var count = 0;
            void OnMatched() => Interlocked.Increment(ref count);
            foreach (var filter in _filters) filter.Matched += OnMatched;
            using var muted = Mute();
            try
            {
                var result = await func();
                // "None" can only be seen by waiting; any other number is there when it is there.
                var reached = await _kit.Reached(() => wanted > 0 ? Volatile.Read(ref count) >= wanted : Volatile.Read(ref count) > 0,
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
