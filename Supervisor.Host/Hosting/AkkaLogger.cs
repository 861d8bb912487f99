using Akka.Actor;
using Akka.Event;
using Supervisor.Persistence.Sqlite;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace Supervisor.Host.Hosting;

/// <summary>
/// Akka's log events in the daemon's log. One category for all actors, which come and go; a message starts with the container's
/// id where there is one.
/// </summary>
/// <remarks>
/// Not one of <c>akka.loggers</c>: those are created by name, and the only way to pass them arguments, an ActorSystemSetup,
/// makes Akka look for an application's XML configuration, which costs 20 MB.
/// </remarks>
internal sealed class AkkaLogger : ReceiveActor
{
    public AkkaLogger(ILogger log)
    {
        Receive<LogEvent>(e =>
        {
            // An unusable journal is reported elsewhere in one line: by the daemon that does not start, or for the container
            // that is lost.
            var level = e.Cause is JournalUnusableException or DamagedEventsException ? LogLevel.Debug : LevelOf(e);
            if (log.IsEnabled(level)) log.Log(level, default, e.Message, e.Cause, static (message, _) => $"{message}");
        });
    }

    /// <summary>How to create one.</summary>
    public static Props Props(ILoggerFactory loggers)
    {
        var log = loggers.CreateLogger("Supervisor.Actors");
        return Akka.Actor.Props.Create(() => new AkkaLogger(log));
    }

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(LogEvent));
        base.PreStart();
    }

    private static LogLevel LevelOf(LogEvent e) => e.LogLevel() switch
    {
        Akka.Event.LogLevel.DebugLevel => LogLevel.Debug,
        // The stop of the actor system is logged by its caller.
        Akka.Event.LogLevel.InfoLevel when e.LogClass == typeof(CoordinatedShutdown) => LogLevel.Debug,
        Akka.Event.LogLevel.InfoLevel => LogLevel.Information,
        Akka.Event.LogLevel.WarningLevel => LogLevel.Warning,
        _ => LogLevel.Error,
    };
}
