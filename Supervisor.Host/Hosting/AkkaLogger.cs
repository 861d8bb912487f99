using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Event;
using Microsoft.Extensions.Logging.Abstractions;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace Supervisor.Host.Hosting;

/// <summary>Hands the daemon's logging to the actor system, for <see cref="AkkaLogger"/>.</summary>
internal sealed class LoggingSetup(ILoggerFactory factory) : Setup
{
    public ILoggerFactory Factory { get; } = factory;
}

/// <summary>
/// Akka's log events in the daemon's log: named in hocon/supervisor.hocon. One category for all actors, for theirs come and go; a
/// message begins with the container's id where there is one.
/// </summary>
public sealed class AkkaLogger : ReceiveActor
{
    /// <summary>Created by Akka.</summary>
    public AkkaLogger()
    {
        var setup = Context.System.Settings.Setup.Get<LoggingSetup>();
        var log = (setup.HasValue ? setup.Value.Factory : NullLoggerFactory.Instance).CreateLogger("Supervisor.Actors");
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<LogEvent>(e =>
        {
            var level = LevelOf(e);
            if (log.IsEnabled(level)) log.Log(level, default, e.Message, e.Cause, static (message, _) => $"{message}");
        });
    }

    private static LogLevel LevelOf(LogEvent e) => e.LogLevel() switch
    {
        Akka.Event.LogLevel.DebugLevel => LogLevel.Debug,
        // That the actor system stops is said by the one that stops it.
        Akka.Event.LogLevel.InfoLevel when e.LogClass == typeof(CoordinatedShutdown) => LogLevel.Debug,
        Akka.Event.LogLevel.InfoLevel => LogLevel.Information,
        Akka.Event.LogLevel.WarningLevel => LogLevel.Warning,
        _ => LogLevel.Error,
    };
}
