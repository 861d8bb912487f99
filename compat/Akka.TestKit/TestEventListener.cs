using Akka.Actor;
using Akka.Event;

namespace Akka.TestKit;

public interface IEventFilter
{
    /// <returns>True: the event is expected and not printed.</returns>
    bool Apply(LogEvent logEvent);
}

/// <summary>The logger of a test system: what a filter expects is counted there instead of printed.</summary>
public class TestEventListener : DefaultLogger
{
    private readonly List<IEventFilter> _filters = [];
    internal sealed record Mute(IReadOnlyCollection<IEventFilter> Filters) : INoSerializationVerificationNeeded;
    internal sealed record Unmute(IReadOnlyCollection<IEventFilter> Filters) : INoSerializationVerificationNeeded;

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case InitializeLogger initialize:
                foreach (var channel in new[] { typeof(Mute), typeof(Unmute), typeof(DeadLetter), typeof(UnhandledMessage) })
                    initialize.LoggingBus.Subscribe(Context.Self, channel);
                Sender.Tell(new LoggerInitialized());
                return true;
            case LogEvent logEvent:
                PrintUnlessFiltered(logEvent);
                return true;
            case Mute mute:
                _filters.AddRange(mute.Filters);
                return true;
            case Unmute unmute:
                foreach (var filter in unmute.Filters) _filters.Remove(filter);
                return true;
            case DeadLetter letter:
                PrintUnlessFiltered(new Warning(letter.Recipient.Path.ToString(), letter.Recipient.GetType(), letter));
                return true;
            case UnhandledMessage unhandled:
                PrintUnlessFiltered(new Warning(unhandled.Recipient.Path.ToString(), unhandled.Recipient.GetType(), $"Unhandled message from {unhandled.Sender}: {unhandled.Message}"));
                return true;
            default:
                return base.Receive(message);
        }
    }

    private void PrintUnlessFiltered(LogEvent logEvent)
    {
        var expected = false;
        foreach (var filter in _filters) expected |= filter.Apply(logEvent);
        if (!expected && logEvent.Message is not DeadLetter && logEvent.LogLevel() >= Logging.LogLevelFor(Context.System.Settings.LogLevel)) Print(logEvent);
    }
}
