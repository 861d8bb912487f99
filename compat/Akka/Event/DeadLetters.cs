using Akka.Actor;

namespace Akka.Event;

/// <summary>Not worth a line in the log when it becomes a dead letter.</summary>
public interface IDeadLetterSuppression;

public abstract class AllDeadLetters : IWrappedMessage
{
    protected AllDeadLetters(object message, IActorRef sender, IActorRef recipient)
    {
        Message = message ?? throw new ArgumentNullException(nameof(message));
        Sender = sender;
        Recipient = recipient;
    }

    public object Message { get; }
    public IActorRef Sender { get; }
    public IActorRef Recipient { get; }
    public override string ToString() => $"{GetType().Name} from {Sender} to {Recipient}: <{Message}>";
}

public sealed class DeadLetter(object message, IActorRef sender, IActorRef recipient) : AllDeadLetters(message, sender, recipient);

public sealed class SuppressedDeadLetter(object message, IActorRef sender, IActorRef recipient) : AllDeadLetters(message, sender, recipient);

public sealed class UnhandledMessage(object message, IActorRef sender, IActorRef recipient) : AllDeadLetters(message, sender, recipient);

/// <summary>Writes the first dead letters to the log: akka.log-dead-letters of them, then once per suspend duration.</summary>
public class DeadLetterListener : ActorBase
{
    private int _count;
    private DateTime _suspendedUntil;

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(DeadLetter));
        Context.System.EventStream.Subscribe(Self, typeof(UnhandledMessage));
    }

    protected override void PostRestart(Exception reason) { }
    protected override void PreRestart(Exception reason, object message) { }
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    protected override bool Receive(object message)
    {
        if (message is not AllDeadLetters letter) return false;
        if (letter.Message is IDeadLetterSuppression) return true;
        var settings = Context.System.Settings;
        var most = settings.LogDeadLetters;
        if (_count >= most && DateTime.UtcNow < _suspendedUntil) return true;
        if (_suspendedUntil != default && DateTime.UtcNow >= _suspendedUntil) (_count, _suspendedUntil) = (0, default);
        _count++;
        var sender = letter.Sender.IsNobody() || letter.Sender.Equals(Context.System.DeadLetters) ? "without sender" : $"from {letter.Sender}";
        var what = letter is UnhandledMessage ? "was unhandled" : "was not delivered";
        var done = "";
        if (most != int.MaxValue && _count >= most)
        {
            _suspendedUntil = settings.LogDeadLettersSuspendDuration == Timeout.InfiniteTimeSpan ? DateTime.MaxValue : DateTime.UtcNow + settings.LogDeadLettersSuspendDuration;
            done = _suspendedUntil == DateTime.MaxValue ? ", no more dead letters will be logged" : $", no more dead letters will be logged in next [{settings.LogDeadLettersSuspendDuration}]";
        }
        Context.System.EventStream.Publish(new Info(letter.Recipient.Path.ToString(), letter.Recipient.GetType(),
            $"Message [{letter.Message.GetType().Name}] {sender} to {letter.Recipient} {what}. [{_count}] dead letters encountered{done}. "
            + "This logging can be turned off or adjusted with configuration settings 'akka.log-dead-letters' and 'akka.log-dead-letters-during-shutdown'. "
            + $"Message content: {letter.Message}"));
        return true;
    }
}
