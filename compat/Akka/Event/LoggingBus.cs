using System.Collections.Concurrent;
using Akka.Actor;

namespace Akka.Event;

/// <summary>Subscribers by type of event, each told once even when several of its subscriptions fit. Keeps the loggers
/// subscribed to the levels that are wanted.</summary>
public class LoggingBus
{
    internal const LogLevel OffLevel = (LogLevel)int.MaxValue;
    private static readonly LogLevel[] Levels = [LogLevel.DebugLevel, LogLevel.InfoLevel, LogLevel.WarningLevel, LogLevel.ErrorLevel];
    private static int _loggerNumber;
    private readonly List<IActorRef> _loggers = [];
    private readonly Lock _lock = new();
    // In the order they were made: of those that fit an event the latest decides. Excluded: taken out of a wider subscription.
    private readonly List<(Type Channel, IActorRef Subscriber, bool Excluded)> _subscriptions = [];
    private ConcurrentDictionary<Type, IActorRef[]> _cache = new();

    public LogLevel LogLevel { get; private set; } = LogLevel.ErrorLevel;

    public virtual bool Subscribe(IActorRef subscriber, Type channel) => Enrol(subscriber, channel);
    public virtual bool Unsubscribe(IActorRef subscriber) => Strike(subscriber, typeof(object));
    public virtual bool Unsubscribe(IActorRef subscriber, Type channel) => Strike(subscriber, channel);

    private bool Enrol(IActorRef subscriber, Type channel)
    {
        lock (_lock)
        {
            var narrower = _subscriptions.RemoveAll(s => s.Subscriber.Equals(subscriber) && s.Excluded && channel.IsAssignableFrom(s.Channel)) > 0;
            if (Gets(subscriber, channel) && !narrower) return false;
            _subscriptions.RemoveAll(s => s.Subscriber.Equals(subscriber) && channel.IsAssignableFrom(s.Channel));
            if (!Gets(subscriber, channel)) _subscriptions.Add((channel, subscriber, false));
            _cache = new();
            return true;
        }
    }

    private bool Strike(IActorRef subscriber, Type channel)
    {
        lock (_lock)
        {
            var had = Gets(subscriber, channel) || _subscriptions.Exists(s => !s.Excluded && s.Subscriber.Equals(subscriber) && channel.IsAssignableFrom(s.Channel));
            _subscriptions.RemoveAll(s => s.Subscriber.Equals(subscriber) && channel.IsAssignableFrom(s.Channel));
            if (Gets(subscriber, channel)) _subscriptions.Add((channel, subscriber, true));
            if (had) _cache = new();
            return had;
        }
    }

    private bool Gets(IActorRef subscriber, Type type) =>
        _subscriptions.FindLast(s => s.Channel.IsAssignableFrom(type) && s.Subscriber.Equals(subscriber)) is { Channel: not null, Excluded: false };

    internal bool HasSubscriptions(IActorRef subscriber)
    {
        lock (_lock) return _subscriptions.Any(s => !s.Excluded && s.Subscriber.Equals(subscriber));
    }

    public void Publish(object @event)
    {
        var type = @event.GetType();
        if (!Volatile.Read(ref _cache).TryGetValue(type, out var subscribers))
            lock (_lock)
                _cache[type] = subscribers = [.. _subscriptions.Where(s => s.Channel.IsAssignableFrom(type)).Select(s => s.Subscriber).Distinct().Where(s => Gets(s, type))];
        foreach (var subscriber in subscribers) subscriber.Tell(@event, ActorRefs.NoSender);
    }

    public void SetLogLevel(LogLevel logLevel)
    {
        LogLevel = logLevel;
        lock (_loggers)
            foreach (var logger in _loggers)
                foreach (var level in Levels)
                    if (level >= logLevel) Enrol(logger, level.ClassFor());
                    else Strike(logger, level.ClassFor());
    }

    private void Add(IActorRef logger, LogLevel logLevel)
    {
        lock (_loggers) _loggers.Add(logger);
        foreach (var level in Levels)
            if (level >= logLevel) Enrol(logger, level.ClassFor());
    }

    private void Remove(IActorRef logger)
    {
        lock (_loggers) _loggers.Remove(logger);
        Strike(logger, typeof(object));
    }

    public void StartStdoutLogger(Settings config)
    {
        LogLevel = Logging.LogLevelFor(config.StdoutLogLevel);
        Add(config.StdoutLogger, LogLevel);
    }

    /// <exception cref="LoggerInitializationException">A logger did not answer InitializeLogger in akka.logger-startup-timeout.</exception>
    internal void StartDefaultLoggers(Actor.Internal.ActorSystemImpl system)
    {
        var settings = system.Settings;
        var level = Logging.LogLevelFor(settings.LogLevel);
        var keepStdout = false;
        foreach (var name in settings.Loggers)
        {
            var type = Dispatch.TypeCache.TryGet(name)
                ?? throw new Configuration.ConfigurationException($"Logger specified in config can't be found: \"{name}\" (akka.loggers)");
            if (typeof(MinimalLogger).IsAssignableFrom(type))
            {
                keepStdout = true;
                continue;
            }
            var logger = system.SystemActorOf(Props.Create(type).WithDispatcher(settings.LoggersDispatcher),
                $"log{Interlocked.Increment(ref _loggerNumber)}-{Logging.SimpleName(type)}");
            Add(logger, level);
            var answer = logger.Ask(new InitializeLogger(this), settings.LoggerStartTimeout);
            if (settings.LoggerAsyncStart) continue;
            try
            {
                if (answer.GetAwaiter().GetResult() is not LoggerInitialized)
                    throw new LoggerInitializationException($"Logger {name} did not respond with LoggerInitialized");
            }
            catch (AskTimeoutException)
            {
                Publish(new Warning(nameof(LoggingBus), GetType(), $"Logger {name} did not respond within {settings.LoggerStartTimeout} to InitializeLogger"));
            }
        }
        LogLevel = level;
        if (keepStdout) SetLogLevel(level);
        else Remove(settings.StdoutLogger);
    }

    /// <summary>The loggers are about to stop: the last words go to standard output.</summary>
    internal void StopDefaultLoggers(ActorSystem system)
    {
        var stdout = system.Settings.StdoutLogger;
        var level = LogLevel;
        IActorRef[] loggers;
        lock (_loggers) loggers = [.. _loggers];
        if (!loggers.Contains(stdout)) Add(stdout, Logging.LogLevelFor(system.Settings.StdoutLogLevel));
        foreach (var logger in loggers)
            if (!logger.Equals(stdout))
                Remove(logger);
        LogLevel = level;
    }
}

/// <summary>A logger that is no actor, so that it works before the first and after the last.</summary>
public abstract class MinimalLogger : MinimalActorRef
{
    public sealed override ActorPath Path { get; } = new RootActorPath(new Address("akka", "all-systems"), "/StandardOutLogger");
    public sealed override IActorRefProvider Provider => throw new NotSupportedException("A minimal logger does not provide");

    protected sealed override void TellInternal(object message, IActorRef sender) =>
        Log(message ?? throw new ArgumentNullException(nameof(message), "The message to log must not be null."));

    protected abstract void Log(object message);
}

public class StandardOutLogger : MinimalLogger
{
    protected override void Log(object message)
    {
        if (message is LogEvent e) PrintLogEvent(e);
        else Console.WriteLine(message);
    }

    internal static void PrintLogEvent(LogEvent logEvent) => Console.WriteLine(logEvent.ToString());
}

/// <summary>The logger when akka.loggers says nothing else: standard output.</summary>
public class DefaultLogger : ActorBase
{
    protected override bool Receive(object message)
    {
        switch (message)
        {
            case InitializeLogger:
                Sender.Tell(new LoggerInitialized());
                return true;
            case LogEvent logEvent:
                Print(logEvent);
                return true;
            default:
                return false;
        }
    }

    protected virtual void Print(LogEvent logEvent) => StandardOutLogger.PrintLogEvent(logEvent);
}
