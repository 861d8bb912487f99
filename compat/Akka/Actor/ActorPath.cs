using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Akka.Actor;

/// <summary>The place of an actor in the tree, <c>akka://system/user/parent/child</c>. Two incarnations in one place have
/// equal paths and different <see cref="Uid"/>s.</summary>
public abstract class ActorPath : IComparable<ActorPath>, IEquatable<ActorPath>
{
    public const string ValidSymbols = "\"-_.*$+:@&=,!~';()";
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + ValidSymbols);

    private readonly Address _address;

    protected ActorPath(Address address, string name) { _address = address; Name = name; }
    protected ActorPath(ActorPath parentPath, string name, long uid) { Parent = parentPath; Name = name; Uid = uid; }

    public Address Address => ((RootActorPath)Root)._address;
    public string Name { get; }
    public ActorPath Parent { get; }
    public long Uid { get; }

    public ActorPath Root
    {
        get
        {
            var path = this;
            while (path.Parent is not null) path = path.Parent;
            return path;
        }
    }

    public int Depth
    {
        get
        {
            var depth = 0;
            for (var path = this; path.Parent is not null; path = path.Parent) depth++;
            return depth;
        }
    }

    public IReadOnlyList<string> Elements
    {
        get
        {
            var elements = new string[Depth];
            var path = this;
            for (var i = elements.Length - 1; i >= 0; i--, path = path.Parent) elements[i] = path.Name;
            return elements;
        }
    }

    public string ToStringWithoutAddress() => Parent is null ? "/" + Name : "/" + string.Join('/', Elements);
    public override string ToString() => Address + ToStringWithoutAddress();
    public string ToStringWithUid() => Uid == 0 ? ToString() : ToString() + "#" + Uid;
    public string ToSerializationFormat() => ToStringWithUid();
    public int CompareTo(ActorPath other) => other is null ? 1 : string.CompareOrdinal(ToString(), other.ToString());

    public bool Equals(ActorPath other)
    {
        ActorPath mine = this, theirs = other;
        while (!ReferenceEquals(mine, theirs))
        {
            if (mine is null || theirs is null || mine.Name != theirs.Name) return false;
            if (mine.Parent is null || theirs.Parent is null)
                return mine.Parent is null && theirs.Parent is null && mine._address.Equals(theirs._address);
            mine = mine.Parent;
            theirs = theirs.Parent;
        }
        return true;
    }

    public override bool Equals(object obj) => Equals(obj as ActorPath);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        for (var path = this; path is not null; path = path.Parent) hash.Add(path.Name);
        return hash.ToHashCode();
    }

    public static bool operator ==(ActorPath left, ActorPath right) => left is null ? right is null : left.Equals(right);
    public static bool operator !=(ActorPath left, ActorPath right) => !(left == right);
    public static ActorPath operator /(ActorPath path, string name)
    {
        var hash = name.IndexOf('#');
        return hash < 0 ? new ChildActorPath(path, name, 0)
            : new ChildActorPath(path, name[..hash], long.TryParse(name.AsSpan(hash + 1), out var uid) ? uid : 0);
    }

    /// <summary>Letters, digits, <see cref="ValidSymbols"/> and %-escapes; not empty and not beginning with '$', which is kept for generated names.</summary>
    public static bool IsValidPathElement(string s) => !string.IsNullOrEmpty(s) && s[0] != '$' && HasValidCharacters(s);

    private static bool HasValidCharacters(ReadOnlySpan<char> s)
    {
        while (true)
        {
            var odd = s.IndexOfAnyExcept(NameCharacters);
            if (odd < 0) return true;
            if (s[odd] != '%' || odd + 2 >= s.Length || !char.IsAsciiHexDigit(s[odd + 1]) || !char.IsAsciiHexDigit(s[odd + 2])) return false;
            s = s[(odd + 3)..];
        }
    }

    public static ActorPath Parse(string path) =>
        TryParse(path, out var parsed) ? parsed : throw new UriFormatException($"Can not parse an ActorPath: {path}");

    public static bool TryParse(string path, [NotNullWhen(true)] out ActorPath actorPath)
    {
        actorPath = null;
        return Address.TryParse(path, out var address, out var absolute)
            && TryParse(new RootActorPath(address), absolute, out actorPath);
    }

    public static bool TryParse(ActorPath basePath, string absoluteUri, out ActorPath actorPath)
    {
        actorPath = basePath;
        if (string.IsNullOrEmpty(absoluteUri) || absoluteUri[0] != '/') return false;
        foreach (var element in absoluteUri.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = element.AsSpan();
            if (name.IndexOf('#') is >= 0 and var hash) name = name[..hash];
            if (!HasValidCharacters(name)) return false;
            actorPath /= element;
        }
        return true;
    }
}

public sealed class RootActorPath(Address address, string name = "") : ActorPath(address, name);

public sealed class ChildActorPath(ActorPath parentPath, string name, long uid) : ActorPath(parentPath, name, uid);
