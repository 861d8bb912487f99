using Akka.Configuration;
using Akka.Event;

namespace Akka.Actor;

/// <summary>The configuration of one system, read once.</summary>
public class Settings
{
    private readonly Config _user;

    public Settings(ActorSystem system, Config config)
    {
        _user = config;
        Read(config.WithFallback(ConfigurationFactory.Default()));
    }

    private void Read(Config config)
    {
        Config = config;
        SupervisorStrategyClass = config.GetString("akka.actor.guardian-supervisor-strategy");
        AskTimeout = config.GetTimeSpan("akka.actor.ask-timeout", Timeout.InfiniteTimeSpan);
        SerializeAllMessages = config.GetBoolean("akka.actor.serialize-messages");
        LogLevel = config.GetString("akka.loglevel");
        StdoutLogLevel = config.GetString("akka.stdout-loglevel");
        Loggers = config.GetStringList("akka.loggers");
        LoggersDispatcher = config.GetString("akka.loggers-dispatcher");
        LoggerStartTimeout = config.GetTimeSpan("akka.logger-startup-timeout");
        LoggerAsyncStart = config.GetBoolean("akka.logger-async-start");
        LogConfigOnStart = config.GetBoolean("akka.log-config-on-start");
        LogDeadLetters = config.GetString("akka.log-dead-letters").ToLowerInvariant() switch
        {
            "on" or "true" => int.MaxValue,
            "off" or "false" => 0,
            _ => config.GetInt("akka.log-dead-letters"),
        };
        LogDeadLettersDuringShutdown = config.GetBoolean("akka.log-dead-letters-during-shutdown");
        LogDeadLettersSuspendDuration = config.GetTimeSpan("akka.log-dead-letters-suspend-duration");
        DebugLifecycle = config.GetBoolean("akka.actor.debug.lifecycle");
        DebugEventStream = config.GetBoolean("akka.actor.debug.event-stream");
        SchedulerClass = config.GetString("akka.scheduler.implementation");
        CoordinatedShutdownTerminateActorSystem = config.GetBoolean("akka.coordinated-shutdown.terminate-actor-system");
        CoordinatedShutdownRunByActorSystemTerminate = config.GetBoolean("akka.coordinated-shutdown.run-by-actor-system-terminate");
    }

    public Config Config { get; private set; }
    public string SupervisorStrategyClass { get; private set; }
    public TimeSpan AskTimeout { get; private set; }
    public bool SerializeAllMessages { get; private set; }
    public string LogLevel { get; private set; }
    public string StdoutLogLevel { get; private set; }
    public MinimalLogger StdoutLogger { get; } = new StandardOutLogger();
    public IList<string> Loggers { get; private set; }
    public string LoggersDispatcher { get; private set; }
    public TimeSpan LoggerStartTimeout { get; private set; }
    public bool LoggerAsyncStart { get; private set; }
    public bool LogConfigOnStart { get; private set; }
    public int LogDeadLetters { get; private set; }
    public bool LogDeadLettersDuringShutdown { get; private set; }
    public TimeSpan LogDeadLettersSuspendDuration { get; private set; }
    public ILogMessageFormatter LogFormatter => DefaultLogMessageFormatter.Instance;
    public bool DebugLifecycle { get; private set; }
    public bool DebugEventStream { get; private set; }
    public string SchedulerClass { get; private set; }
    public bool CoordinatedShutdownTerminateActorSystem { get; private set; }
    public bool CoordinatedShutdownRunByActorSystemTerminate { get; private set; }

    /// <summary>Adds defaults below everything that is set: how an extension brings its own reference configuration.</summary>
    public void InjectTopLevelFallback(Config config) => Config = Config.WithFallback(config);
    public override string ToString() => _user.WithFallback(Config).ToString();
}
