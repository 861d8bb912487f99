using Akka.Actor.Internal;

namespace Akka.Actor;

public partial class ActorCell
{
    private const string NameAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+~";
    private Children _children;
    private long _unnamed = -1;

    internal Children ChildrenOrNull => Volatile.Read(ref _children);
    private ChildRestartStats[] ChildStats() => ChildrenOrNull?.Stats ?? [];

    public IEnumerable<IInternalActorRef> GetChildren() => ChildStats().Select(s => s.Child);

    // Most strategies do not look; a parent of many must not pay for a copy at every death.
    private IEnumerable<IInternalActorRef> LazyChildren()
    {
        foreach (var stats in ChildStats()) yield return stats.Child;
    }

    IEnumerable<IActorRef> IActorContext.GetChildren() => GetChildren();

    IActorRef IActorContext.Child(string name) => GetSingleChild(name);

    /// <summary><see cref="Nobody"/> when there is no such child. "name#uid" asks for one incarnation.</summary>
    public IInternalActorRef GetSingleChild(string name)
    {
        var hash = name.IndexOf('#');
        var plain = hash < 0 ? name : name[..hash];
        return ChildrenOrNull is { } children && children.TryGet(plain, out var stats)
            && (hash < 0 || (long.TryParse(name.AsSpan(hash + 1), out var uid) && uid == stats.Uid)) ? stats.Child : Nobody.Instance;
    }

    /// <exception cref="InvalidActorNameException">Not a valid path element, or in use by a child that lives or is still dying.</exception>
    /// <exception cref="InvalidOperationException">This actor is terminating.</exception>
    public virtual IActorRef ActorOf(Props props, string name = null) => AttachChild(props, isSystemService: false, name);

    public virtual IActorRef AttachChild(Props props, bool isSystemService, string name = null)
    {
        if (name is null) name = RandomName();
        else if (name.Length == 0) throw new InvalidActorNameException("Actor name must not be empty.");
        else if (name.StartsWith('$')) throw new InvalidActorNameException($"Invalid actor name [{name}]. Actor names must not start with $ ");
        else if (!ActorPath.IsValidPathElement(name))
            throw new InvalidActorNameException($"Illegal actor name [{name}]. Actor paths MUST: not start with `$`, include only ASCII letters and can only contain these special characters: {ActorPath.ValidSymbols}.");
        return MakeChild(props, name, isSystemService);
    }

    private string RandomName()
    {
        var number = Interlocked.Increment(ref _unnamed);
        var name = "$";
        do
        {
            name += NameAlphabet[(int)(number & 63)];
            number >>= 6;
        } while (number > 0);
        return name;
    }

    internal IActorRef MakeChild(Props props, string name, bool isSystemService)
    {
        var children = ChildrenOrNull ?? Interlocked.CompareExchange(ref _children, new Children(), null) ?? _children;
        children.Reserve(name, Self.Path);
        LocalActorRef child;
        try
        {
            child = SystemImpl.LocalProvider.Make(props, _self, new ChildActorPath(Self.Path, name, NewUid()), isSystemService);
        }
        catch
        {
            children.Unreserve(name);
            throw;
        }
        children.Add(child);
        // A child born while we are suspended waits with us.
        if (Mailbox.IsSuspended && Current == this) child.Suspend();
        child.Start();
        return child;
    }

    public void Stop(IActorRef child)
    {
        ChildrenOrNull?.ShallDie(child);
        ((IInternalActorRef)child).Stop();
    }
}
