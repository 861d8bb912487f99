namespace Akka.Actor;

/// <summary>Base of every failure that the actor system itself raises.</summary>
public abstract class AkkaException : Exception
{
    protected AkkaException() { }
    protected AkkaException(string message, Exception cause = null) : base(message, cause) { }
}

public class InvalidActorNameException : AkkaException
{
    public InvalidActorNameException(string message) : base(message) { }
}

public class IllegalActorStateException(string message) : AkkaException(message);

public class AskTimeoutException(string message) : AkkaException(message);

public class ActorNotFoundException : AkkaException
{
    public ActorNotFoundException(string message, Exception innerException = null) : base(message, innerException) { }
}

public class InvalidMessageException : AkkaException
{
    public InvalidMessageException(string message) : base(message) { }
}

/// <summary>The actor's constructor or PreStart threw; <see cref="Exception.InnerException"/> says what.</summary>
public class ActorInitializationException : AkkaException
{
    public ActorInitializationException() { }
    public ActorInitializationException(string message) : base(message) { }
    public ActorInitializationException(IActorRef actor, string message, Exception cause = null) : base(message, cause) => Actor = actor;
    public IActorRef Actor { get; set; }
    public override string ToString() => Actor is null ? base.ToString() : Actor + ": " + base.ToString();
}

public class ActorKilledException : AkkaException
{
    public ActorKilledException() { }
    public ActorKilledException(string message) : base(message) { }
}

public class LoggerInitializationException : AkkaException
{
    public LoggerInitializationException(string message) : base(message) { }
}

public class PreRestartException(IActorRef actor, Exception restartException, Exception cause, object optionalMessage)
    : ActorInitializationException(actor, "Exception in PreRestart(" + (restartException?.GetType().Name ?? "null") + ", " + (optionalMessage?.GetType().Name ?? "null") + ")", restartException)
{
    public Exception RestartException { get; } = cause;
    public object OptionalMessage { get; } = optionalMessage;
}

public class PostRestartException(IActorRef actor, Exception cause, Exception originalCause)
    : ActorInitializationException(actor, "Exception post restart (" + (originalCause?.GetType().Name ?? "null") + ")", cause)
{
    public Exception OriginalCause { get; } = originalCause;
}

/// <summary>A watched actor died and the watcher did not handle <see cref="Terminated"/>.</summary>
public class DeathPactException(IActorRef deadActor) : AkkaException("Monitored actor [" + deadActor + "] terminated")
{
    public IActorRef DeadActor { get; } = deadActor;
}

public class StashOverflowException(string message, Exception cause = null) : AkkaException(message, cause);

public sealed class SchedulerException(string message) : AkkaException(message);
