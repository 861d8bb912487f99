using Akka.Util;

namespace Akka.Actor;

public interface ICanTell
{
    void Tell(object message, IActorRef sender);
}

public interface IActorRef : ICanTell, IEquatable<IActorRef>, IComparable<IActorRef>, ISurrogated, IComparable
{
    ActorPath Path { get; }
}

public interface IActorRefScope
{
    bool IsLocal { get; }
}

/// <summary>What the runtime needs from a reference beyond Tell.</summary>
public interface IInternalActorRef : IActorRef, IActorRefScope
{
    IInternalActorRef Parent { get; }
    IActorRefProvider Provider { get; }
    IActorRef GetChild(IReadOnlyList<string> name);
    void Start();
    void Stop();
    void Restart(Exception cause);
    void Suspend();
    void Resume(Exception causedByFailure = null);
    void SendSystemMessage(Dispatch.SysMsg.ISystemMessage message);
}

public static class ActorRefs
{
    public static readonly Nobody Nobody = Nobody.Instance;
    /// <summary>Null: a message told by nobody arrives with dead letters as its sender.</summary>
    public static readonly IActorRef NoSender;
}

public static class ActorRefExtensions
{
    public static bool IsNobody(this IActorRef actorRef) => actorRef is null or Nobody;
}

public static class ActorRefImplicitSenderExtensions
{
    public static void Tell(this IActorRef receiver, object message) => receiver.Tell(message, ActorCell.GetCurrentSelfOrNoSender());
    public static void Forward(this IActorRef receiver, object message) => receiver.Tell(message, ActorCell.GetCurrentSenderOrNoSender());
}

public abstract class ActorRefBase : IActorRef
{
    public abstract ActorPath Path { get; }

    public void Tell(object message, IActorRef sender)
    {
        if (message is null) throw new InvalidMessageException("Message is null");
        TellInternal(message, sender);
    }

    protected abstract void TellInternal(object message, IActorRef sender);

    public override string ToString() => Path.Uid == 0 ? $"[{Path}]" : $"[{Path}#{Path.Uid}]";
    public bool Equals(IActorRef other) => ReferenceEquals(this, other)
        || (other is not null && Path.Uid == other.Path.Uid && Path.Equals(other.Path));
    public override bool Equals(object obj) => Equals(obj as IActorRef);
    public override int GetHashCode() => HashCode.Combine(Path.Uid, Path.Name);
    public int CompareTo(IActorRef other)
    {
        var paths = Path.CompareTo(other?.Path);
        return paths != 0 ? paths : Path.Uid.CompareTo(other.Path.Uid);
    }
    public int CompareTo(object obj) => obj is null or IActorRef ? CompareTo((IActorRef)obj) : throw new ArgumentException("Object must be of type IActorRef", nameof(obj));
    public virtual ISurrogate ToSurrogate(ActorSystem system) => new Surrogate(Path.ToSerializationFormat());

    public class Surrogate(string path) : ISurrogate
    {
        public string Path { get; } = path;
        public ISurrogated FromSurrogate(ActorSystem system) => ((ExtendedActorSystem)system).Provider.ResolveActorRef(Path);
    }
}

public abstract class InternalActorRefBase : ActorRefBase, IInternalActorRef
{
    public abstract IInternalActorRef Parent { get; }
    public abstract IActorRefProvider Provider { get; }
    public abstract bool IsLocal { get; }
    public abstract IActorRef GetChild(IReadOnlyList<string> name);
    public abstract void Start();
    public abstract void Stop();
    public abstract void Restart(Exception cause);
    public abstract void Suspend();
    public abstract void Resume(Exception causedByFailure = null);
    public abstract void SendSystemMessage(Dispatch.SysMsg.ISystemMessage message);
}

/// <summary>A reference with no actor behind it.</summary>
public abstract class MinimalActorRef : InternalActorRefBase, IActorRefScope
{
    public override IInternalActorRef Parent => Nobody.Instance;
    public override bool IsLocal => true;
    public override IActorRef GetChild(IReadOnlyList<string> name) => name.All(string.IsNullOrEmpty) ? this : Nobody.Instance;
    public override void Start() { }
    public override void Stop() { }
    public override void Restart(Exception cause) { }
    public override void Suspend() { }
    public override void Resume(Exception causedByFailure = null) { }
    public override void SendSystemMessage(Dispatch.SysMsg.ISystemMessage message) { }
    protected override void TellInternal(object message, IActorRef sender) { }
}

public sealed class Nobody : MinimalActorRef
{
    private Nobody() { }
    public static Nobody Instance = new();
    public override ActorPath Path { get; } = new RootActorPath(new Address("akka", "all-systems"), "Nobody");
    public override IActorRefProvider Provider => throw new NotSupportedException("Nobody does not provide");
    public override ISurrogate ToSurrogate(ActorSystem system) => new NobodySurrogate();

    public class NobodySurrogate : ISurrogate
    {
        public ISurrogated FromSurrogate(ActorSystem system) => Instance;
    }
}
