using System.IO.Enumeration;

namespace Akka.Actor;

public abstract class SelectionPathElement;

public class SelectChildName(string name) : SelectionPathElement
{
    public string Name { get; } = name;
    public override string ToString() => Name;
}

/// <summary>"*" for any characters, "?" for one.</summary>
public class SelectChildPattern(string patternStr) : SelectionPathElement
{
    public string PatternStr { get; } = patternStr;
    internal bool Matches(string name) => FileSystemName.MatchesSimpleExpression(PatternStr, name, ignoreCase: false);
    public override string ToString() => PatternStr;
}

public class SelectChildRecursive : SelectionPathElement
{
    public static readonly SelectChildRecursive Instance = new();
    public override string ToString() => "**";
}

public class SelectParent : SelectionPathElement
{
    public static readonly SelectParent Instance = new();
    public override string ToString() => "..";
}

public class ActorSelectionMessage(object message, SelectionPathElement[] elements, bool wildCardFanOut = false)
    : IAutoReceivedMessage, IPossiblyHarmful, IWrappedMessage
{
    public object Message { get; } = message;
    public SelectionPathElement[] Elements { get; } = elements;
    public bool WildCardFanOut { get; } = wildCardFanOut;
    public ActorSelectionMessage Copy(object message = null, SelectionPathElement[] elements = null, bool? wildCardFanOut = null) =>
        new(message ?? Message, elements ?? Elements, wildCardFanOut ?? WildCardFanOut);
    public override string ToString() => $"ActorSelectionMessage - Message: {Message} - WildCartFanOut: {WildCardFanOut} - Elements: {string.Join('/', (object[])Elements)}";
}

/// <summary>A path, possibly with wildcards, looked up anew for every message.</summary>
public class ActorSelection : ICanTell
{
    public ActorSelection(IActorRef anchor, SelectionPathElement[] path) { Anchor = anchor; Path = path; }
    public ActorSelection(IActorRef anchor, string path) : this(anchor, path == "" ? [] : path.Split('/')) { }
    public ActorSelection(IActorRef anchor, IEnumerable<string> elements) : this(anchor, [.. elements.Where(e => e != "").Select(Element)]) { }

    private static SelectionPathElement Element(string e) => e switch
    {
        ".." => SelectParent.Instance,
        "**" => SelectChildRecursive.Instance,
        _ when e.AsSpan().IndexOfAny('*', '?') >= 0 => new SelectChildPattern(e),
        _ => new SelectChildName(e),
    };

    public IActorRef Anchor { get; }
    public SelectionPathElement[] Path { get; }
    public string PathString => "/" + string.Join('/', (object[])Path);

    public void Tell(object message, IActorRef sender = null)
    {
        sender ??= ActorCell.GetCurrentSelfOrNoSender();
        Deliver((IInternalActorRef)Anchor, sender, new ActorSelectionMessage(message, Path, Path.Any(p => p is SelectChildPattern or SelectChildRecursive)));
    }

    /// <exception cref="ActorNotFoundException">Nobody is there, or nobody answered in time.</exception>
    public Task<IActorRef> ResolveOne(TimeSpan timeout) => ResolveOne(timeout, CancellationToken.None);

    public async Task<IActorRef> ResolveOne(TimeSpan timeout, CancellationToken ct)
    {
        try
        {
            var identity = await this.Ask<ActorIdentity>(new Identify(null), timeout, ct).ConfigureAwait(false);
            return identity.Subject ?? throw new ActorNotFoundException("subject was null");
        }
        catch (Exception e) when (e is not ActorNotFoundException)
        {
            throw new ActorNotFoundException($"Exception occurred while resolving {this}", e);
        }
    }

    // Walks as far as it can on the caller's thread: the containers of children may be read from any thread.
    internal static void Deliver(IInternalActorRef anchor, IActorRef sender, ActorSelectionMessage selection)
    {
        var current = anchor;
        var elements = selection.Elements;
        for (var i = 0; i < elements.Length; i++)
        {
            switch (elements[i])
            {
                case SelectParent:
                    current = current.Parent is Nobody ? current : current.Parent;
                    break;
                case SelectChildName name:
                    var child = (IInternalActorRef)current.GetChild([name.Name]);
                    if (child is Nobody)
                    {
                        NobodyThere(current, sender, selection.Copy(elements: elements[i..]));
                        return;
                    }
                    current = child;
                    break;
                case SelectChildPattern pattern:
                    var rest = elements[(i + 1)..];
                    var any = false;
                    foreach (var match in ChildrenOf(current).Where(c => pattern.Matches(c.Path.Name)))
                    {
                        any = true;
                        Deliver(match, sender, selection.Copy(elements: rest));
                    }
                    if (!any && !selection.WildCardFanOut) NobodyThere(current, sender, selection.Copy(elements: elements[i..]));
                    return;
                case SelectChildRecursive:
                    foreach (var descendant in ChildrenOf(current))
                    {
                        Deliver(descendant, sender, selection.Copy(elements: elements[(i + 1)..]));
                        Deliver(descendant, sender, selection.Copy(elements: elements[i..]));
                    }
                    return;
            }
        }
        current.Tell(selection.Message, sender);
    }

    private static IEnumerable<IInternalActorRef> ChildrenOf(IInternalActorRef actor) => actor is LocalActorRef local ? local.Cell.GetChildren() : [];

    private static void NobodyThere(IInternalActorRef at, IActorRef sender, ActorSelectionMessage selection)
    {
        if (at is not LocalActorRef local) return;
        var path = selection.Elements.Aggregate(at.Path, (p, e) => p / e.ToString());
        new EmptyLocalActorRef(at.Provider, path, local.Cell.System.EventStream).Tell(selection, sender);
    }

    public override string ToString() => $"ActorSelection[Anchor({Anchor.Path}{(Anchor.Path.Uid == 0 ? "" : "#" + Anchor.Path.Uid)}), Path({PathString})]";
}

public static class ActorRefFactoryShared
{
    public static ActorSelection ActorSelection(ActorPath actorPath, ActorSystem system) =>
        new(((ExtendedActorSystem)system).Provider.RootGuardian, actorPath.Elements);

    /// <summary>Absolute ("/user/a", "akka://system/user/a") or relative to the root given ("child", "../sibling").</summary>
    public static ActorSelection ActorSelection(string path, ActorSystem system, IActorRef lookupRoot)
    {
        var provider = ((ExtendedActorSystem)system).Provider;
        if (path.StartsWith('/')) return new ActorSelection(provider.RootGuardian, path[1..]);
        if (!path.Contains("://", StringComparison.Ordinal)) return new ActorSelection(lookupRoot, path);
        if (!Address.TryParse(path, out var address, out var absolute)) throw new UriFormatException($"Can not parse an ActorPath: {path}");
        return address == provider.DefaultAddress
            ? new ActorSelection(provider.RootGuardian, absolute[1..])
            : new ActorSelection(provider.DeadLetters, "");
    }
}
