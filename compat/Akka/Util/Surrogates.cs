using Akka.Actor;

namespace Akka.Util;

/// <summary>What goes on the wire in place of an object that only makes sense inside its actor system.</summary>
public interface ISurrogate
{
    ISurrogated FromSurrogate(ActorSystem system);
}

public interface ISurrogated
{
    ISurrogate ToSurrogate(ActorSystem system);
}
