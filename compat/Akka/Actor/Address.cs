namespace Akka.Actor;

/// <summary>Where an actor system lives: <c>protocol://system[@host:port]</c>. Local systems have neither host nor port.</summary>
public sealed class Address : IEquatable<Address>
{
    public Address(string protocol, string system, string host = null, int? port = default)
    {
        Protocol = protocol;
        System = system;
        Host = host?.ToLowerInvariant();
        Port = port;
    }

    public string Protocol { get; }
    public string System { get; }
    public string Host { get; }
    public int? Port { get; }
    private string _text;
    public override string ToString() => _text ??= $"{Protocol}://{System}" + (Host is null ? "" : $"@{Host}") + (Port is null ? "" : $":{Port}");
    public bool Equals(Address other) => other is not null && (ReferenceEquals(this, other)
        || (Port == other.Port && Host == other.Host && System == other.System && Protocol == other.Protocol));
    public override bool Equals(object obj) => Equals(obj as Address);
    public override int GetHashCode() => HashCode.Combine(Host, Port, System, Protocol);
    public static bool operator ==(Address left, Address right) => Equals(left, right);
    public static bool operator !=(Address left, Address right) => !Equals(left, right);

    public static Address Parse(string address) =>
        TryParse(address, out Address parsed) ? parsed : throw new UriFormatException($"'{address}' is not an actor system address");

    public static bool TryParse(string path, out Address address) => TryParse(path, out address, out _);

    public static bool TryParse(string path, out Address address, out string absolutUri)
    {
        address = null;
        absolutUri = null;
        var scheme = path?.IndexOf("://", StringComparison.Ordinal) ?? -1;
        if (scheme <= 0 || !path.StartsWith("akka", StringComparison.OrdinalIgnoreCase)) return false;
        var rest = path[(scheme + 3)..];
        var slash = rest.IndexOf('/');
        absolutUri = slash < 0 ? "/" : rest[slash..];
        if (slash >= 0) rest = rest[..slash];
        var at = rest.IndexOf('@');
        if (at < 0)
        {
            if (rest.Length == 0) return false;
            address = new Address(path[..scheme], rest);
            return true;
        }
        var colon = rest.LastIndexOf(':');
        if (at == 0 || colon < at || !int.TryParse(rest[(colon + 1)..], out var port)) return false;
        address = new Address(path[..scheme], rest[..at], rest[(at + 1)..colon], port);
        return true;
    }
}
