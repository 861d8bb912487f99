using System.Text;
using Akka.Configuration.Hocon;

namespace Akka.Configuration;

/// <summary>An immutable configuration. Paths are dotted; a key with dots is written "in.quotes".</summary>
public class Config
{
    public static readonly Config Empty = new();

    public Config() : this(new HoconValue(new Dictionary<string, HoconValue>())) { }
    public Config(Config source, Config fallback) : this(source.Root.MergedOver(fallback?.Root)) { }
    internal Config(HoconValue root) => Root = root;

    public HoconValue Root { get; }
    public virtual bool IsEmpty => Root.IsEmpty;

    internal static List<string> SplitPath(string path)
    {
        if (!path.Contains('"')) return [.. path.Split('.').Select(p => p.Trim())];
        var keys = new List<string>();
        var key = new StringBuilder();
        var quoted = false;
        foreach (var c in path)
        {
            if (c == '"') quoted = !quoted;
            else if (c == '.' && !quoted)
            {
                keys.Add(key.ToString());
                key.Clear();
            }
            else key.Append(c);
        }
        keys.Add(key.ToString());
        return keys;
    }

    private HoconValue Node(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Root.Find(SplitPath(path)) is { IsNull: false } value ? value : null;
    }

    private T Read<T>(string path, T missing, Func<HoconValue, T> read)
    {
        if (Node(path) is not { } node) return missing;
        try
        {
            return read(node);
        }
        catch (Exception e) when (e is FormatException or NotSupportedException)
        {
            throw e is FormatException ? new FormatException($"{path}: {e.Message}", e) : new NotSupportedException($"{path}: {e.Message}", e);
        }
    }

    public HoconValue GetValue(string path) => Node(path);
    public virtual bool HasPath(string path) => Node(path) is not null;
    public virtual string GetString(string path, string @default = null) => Read(path, @default, v => v.GetString());
    public virtual bool GetBoolean(string path, bool @default = false) => Read(path, @default, v => v.GetBoolean());
    public virtual int GetInt(string path, int @default = 0) => Read(path, @default, v => v.GetInt());
    public virtual long GetLong(string path, long @default = 0) => Read(path, @default, v => v.GetLong());
    public virtual double GetDouble(string path, double @default = 0) => Read(path, @default, v => v.GetDouble());
    /// <summary>"64KiB" and the like, in bytes; null when not set.</summary>
    public virtual long? GetByteSize(string path) => Read(path, null, v => v.GetByteSize());
    /// <summary>"10s" and the like; without a unit milliseconds; "infinite" is <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    public virtual TimeSpan GetTimeSpan(string path, TimeSpan? @default = null, bool allowInfinite = true) => Read(path, @default ?? TimeSpan.Zero, v => v.GetTimeSpan(allowInfinite));
    public virtual IList<string> GetStringList(string path) => Read(path, [], v => v.GetStringList());

    /// <summary>Null when nothing is there.</summary>
    public virtual Config GetConfig(string path) => Node(path) is { } node ? new Config(node) : null;
    public virtual Config WithFallback(Config fallback) => fallback is null || ReferenceEquals(fallback, this) || fallback.IsEmpty ? this : new Config(this, fallback);

    /// <summary>The members of the root, in no promised order.</summary>
    public virtual IEnumerable<KeyValuePair<string, HoconValue>> AsEnumerable() => Root.Members ?? [];

    public override string ToString()
    {
        if (Root.Members is null) return Root.ToString();
        var text = new StringBuilder();
        Root.WriteMembers(text, 0);
        return text.ToString().TrimEnd('\n');
    }

    public static implicit operator Config(string str) => ConfigurationFactory.ParseString(str);
}

public static class ConfigExtensions
{
    public static bool IsNullOrEmpty(this Config config) => config is null || config.IsEmpty;
}

public class ConfigurationException : Actor.AkkaException
{
    public ConfigurationException(string message) : base(message) { }
    public ConfigurationException(string message, Exception exception) : base(message, exception) { }
}
