using System.Globalization;
using Tomlyn;
using Tomlyn.Model;

namespace Supervisor.Registry.Hosts;

/// <summary>One <c>hosts.toml</c>. Source: containerd, docs/hosts.md. A field that is not known is refused.</summary>
internal static class HostsFile
{
    private const long LongestFile = 1 << 20;

    internal static IReadOnlyList<RegistryHost> Read(string file, string host, RegistryHost registry)
    {
        if (new FileInfo(file).Length > LongestFile) throw Wrong(file, "", $"is larger than {LongestFile} bytes");
        TomlTable root;
        try
        {
            root = TomlSerializer.Deserialize(File.ReadAllText(file), TomlTables.Default.TomlTable) ?? [];
        }
        catch (TomlException e)
        {
            throw new RegistryException(RegistryFault.InvalidArgument, $"{file} is not TOML: {e.Message}", e);
        }
        var all = new List<RegistryHost>();
        if (root.TryGetValue("host", out var hosts))
            foreach (var (url, fields) in Table(hosts, file, "host"))
                all.Add(Server(url, Table(fields, file, $"host.\"{url}\""), new Place(file, $"host.\"{url}\"."), host, registry));
        var address = root.TryGetValue("server", out var named) ? Text(named, new Place(file, "server")) : "";
        root.Remove("host");
        root.Remove("server");
        // The root's fields are those of the server itself.
        all.Add(address.Length == 0
            ? With(registry, root, new Place(file, "")) : Server(address, root, new Place(file, ""), host, registry));
        return all;
    }

    private static RegistryHost Server(string url, TomlTable fields, Place place, string host, RegistryHost registry)
    {
        if (!Uri.TryCreate(url.Contains("://", StringComparison.Ordinal) ? url : $"https://{url}", UriKind.Absolute, out var uri)
            || uri.Scheme is not ("https" or "http") || uri.Host.Length == 0)
            throw Wrong(place.File, place.Prefix.TrimEnd('.'),
                $"\"{url}\" is not the address of a server: https://HOST[:PORT][/PATH]");
        var path = uri.AbsolutePath.TrimEnd('/');
        var overridden = fields.TryGetValue("override_path", out var flag) && Flag(flag, place.At("override_path"));
        if (!overridden && !path.EndsWith("/v2", StringComparison.Ordinal)) path += "/v2";
        var at = new UriBuilder(uri) { Path = path + "/", Query = "", Fragment = "" }.Uri;
        var isRegistry = at.Authority == registry.Base.Authority || at.Authority == host;
        return With(registry with { Base = at, Namespace = isRegistry ? "" : host }, fields, place);
    }

    private static RegistryHost With(RegistryHost server, TomlTable fields, Place place)
    {
        var tls = server.Tls;
        foreach (var (name, value) in fields)
            switch (name)
            {
                case "capabilities":
                    server = server with { Can = Texts(value, place.At(name))
                        .Aggregate(Capabilities.None, (all, one) => all | Capability(one, place.At(name))) };
                    break;
                case "ca":
                    tls = tls with { Authorities = [.. Texts(value, place.At(name)).Select(place.PathOf)] };
                    break;
                case "client":
                    tls = tls with { Certificates = [.. Certificates(value, place.At(name))] };
                    break;
                case "skip_verify":
                    tls = tls with { SkipVerify = Flag(value, place.At(name)) };
                    break;
                case "header":
                    server = server with { Headers = [.. Table(value, place.File, place.Prefix + name)
                        .SelectMany(h => Texts(h.Value, place.At($"header.{h.Key}"))
                            .Select(v => KeyValuePair.Create(h.Key, v)))] };
                    break;
                case "dial_timeout":
                    server = server with { ConnectTimeout = Duration(Text(value, place.At(name)), place.At(name)) };
                    break;
                case "proxy":
                    server = server with { Proxy = ProxyOf(Text(value, place.At(name)), place.At(name)) };
                    break;
                case "override_path":
                    break;
                default:
                    throw Wrong(place.File, place.Prefix + name, "is not a known field: remove it, or correct its name");
            }
        return server with { Tls = tls };
    }

    private static IEnumerable<(string, string)> Certificates(object? value, Place place) => value is TomlArray list
        ? list.Select(one => one switch
        {
            TomlArray { Count: 2 } pair => (place.PathOf(Text(pair[0], place)), Text(pair[1], place) is { Length: > 0 } key
                ? place.PathOf(key) : ""),
            _ => (place.PathOf(Text(one, place)), ""),
        })
        : [(place.PathOf(Text(value, place)), "")];

    private static Capabilities Capability(string name, Place place) => name switch
    {
        "pull" => Capabilities.Pull,
        "resolve" => Capabilities.Resolve,
        "push" => Capabilities.Push,
        _ => throw Wrong(place.File, place.Field, $"\"{name}\" is not a capability: pull, resolve or push"),
    };

    private static Uri ProxyOf(string text, Place place) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" or "socks5" && uri.Host.Length > 0
            ? uri : throw Wrong(place.File, place.Field,
                $"\"{text}\" is not a proxy's address: http://HOST:PORT, https:// or socks5://");

    // Go's durations, as far as a timeout needs them.
    private static TimeSpan Duration(string text, Place place)
    {
        foreach (var (unit, milliseconds) in (ReadOnlySpan<(string, double)>)[("ms", 1), ("s", 1000), ("m", 60_000)])
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out var count) && count > 0 && count * milliseconds <= TimeSpan.FromHours(1).TotalMilliseconds)
                return TimeSpan.FromMilliseconds(count * milliseconds);
        throw Wrong(place.File, place.Field, $"\"{text}\" is not a time: write 500ms, 10s or 1m");
    }

    private static TomlTable Table(object? value, string file, string field) =>
        value as TomlTable ?? throw Wrong(file, field, "must be a table");

    private static string Text(object? value, Place place) =>
        value as string ?? throw Wrong(place.File, place.Field, "must be a text");

    private static IEnumerable<string> Texts(object? value, Place place) =>
        value is TomlArray list ? list.Select(one => Text(one, place)) : [Text(value, place)];

    private static bool Flag(object? value, Place place) =>
        value as bool? ?? throw Wrong(place.File, place.Field, "must be true or false");

    private static RegistryException Wrong(string file, string field, string what) =>
        new(RegistryFault.InvalidArgument, $"{file}: {field}{(field.Length > 0 ? ": " : "")}{what}");

    /// <summary>Where in which file: messages name it, and paths are relative to it.</summary>
    private readonly record struct Place(string File, string Prefix)
    {
        public string Field => Prefix;
        public Place At(string field) => this with { Prefix = Prefix + field };
        public string PathOf(string path) => Path.GetFullPath(path, Path.GetDirectoryName(Path.GetFullPath(File))!);
    }
}
