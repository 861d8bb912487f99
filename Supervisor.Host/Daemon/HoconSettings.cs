using System.Globalization;
using Akka.Configuration;
using Supervisor.Host.Arguments;
using Supervisor.Kernel;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Host.Daemon;

/// <summary>
/// The settings and their types: an unknown name, or a value of another type, is refused before anything is started.
/// </summary>
/// <remarks>Settings below <c>akka</c> are Akka.NET's, and not checked.</remarks>
internal static class HoconSettings
{
    private static readonly Kind
        Number = new("a whole number of at least 1", (config, path) =>
            long.TryParse(config.GetString(path), NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            && n is >= 1 and <= int.MaxValue),
        Time = new("a time such as 60s, 500ms or 30d", (config, path) =>
            config.GetTimeSpan(path, allowInfinite: false) > TimeSpan.Zero),
        Bytes = new("a size such as 64MiB", (config, path) => config.GetByteSize(path) is > 0),
        LogSize = new($"off, or a size of at least {LogTarget.LeastSize} bytes such as 10MiB", (config, path) =>
            config.GetString(path) is var text && (text == "off" || ByteSize.TryParse(text) is >= LogTarget.LeastSize)),
        LogFiles = new($"a number from 1 to {LogTarget.MostFiles}", (config, path) =>
            int.TryParse(config.GetString(path), NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            && n is >= 1 and <= LogTarget.MostFiles),
        Text = new("a text", (config, path) => config.GetString(path) is { Length: > 0 }),
        Texts = new("a list of texts", (config, path) => config.GetStringList(path) is not null),
        Anything = new("", (_, _) => true);

    private static readonly Dictionary<string, Kind> Known = new(StringComparer.Ordinal)
    {
        ["supervisor.kernel-pool.workers"] = Number, ["supervisor.kernel-pool.deadline"] = Time,
        ["supervisor.kernel-pool.patience"] = Time,
        ["supervisor.events.keep"] = Number, ["supervisor.events.keep-for"] = Time, ["supervisor.events.keep-size"] = Bytes,
        ["supervisor.log-binaries"] = Texts, ["supervisor.logs.max-size"] = LogSize, ["supervisor.logs.max-files"] = LogFiles,
        ["supervisor.criu"] = Text, ["supervisor.registries"] = Text,
        ["supervisor.storage.workers"] = Number, ["supervisor.storage.blob-size"] = Bytes,
        ["supervisor.storage.layer-size"] = Bytes,
        ["supervisor.storage.layer-entries"] = Number, ["supervisor.storage.ingests"] = Number,
        ["supervisor.storage.deadline"] = Time, ["supervisor.storage.layer-deadline"] = Time,
        ["akka"] = Anything,
    };

    /// <summary>The names that may be set, for the test that compares them with the packaged file.</summary>
    public static IEnumerable<string> Names => Known.Keys;

    private sealed record Kind(string Words, Func<Config, string, bool> Fits);

    /// <param name="settings">Every path that the text sets, with its line.</param>
    /// <exception cref="FormatException">Names the line and the reason.</exception>
    public static void Check(Config config, IReadOnlyList<(string Path, int Line)> settings)
    {
        foreach (var (path, line) in settings)
        {
            if (Known.Keys.Any(k => Known[k] == Anything && (path == k || path.StartsWith(k + ".", StringComparison.Ordinal))))
                continue;
            if (Known.TryGetValue(path, out var kind))
            {
                if (!Fits(kind, config, path)) throw new FormatException($"line {line}: {path}: is not {kind.Words}");
            }
            else if (!Known.Keys.Any(k => k.StartsWith(path + ".", StringComparison.Ordinal)))
            {
                throw new FormatException(
                    $"line {line}: {path}: there is no such setting{(Near(path) is { } near ? $"; did you mean {near}?" : "")}");
            }
            else if (!config.GetConfig(path)?.Root.IsObject() ?? true)
            {
                throw new FormatException($"line {line}: {path}: is not settings in braces");
            }
        }
    }

    private static bool Fits(Kind kind, Config config, string path)
    {
        try
        {
            return kind.Fits(config, path);
        }
        catch (Exception e) when (
            e is FormatException or OverflowException or ArgumentException or InvalidOperationException or ConfigurationException)
        {
            return false; // Akka's readers throw different exceptions
        }
    }

    private static string? Near(string path)
    {
        var (parent, name) = path.LastIndexOf('.') is >= 0 and var dot ? (path[..(dot + 1)], path[(dot + 1)..]) : ("", path);
        var siblings = Known.Keys.Where(k => k.StartsWith(parent, StringComparison.Ordinal))
            .Select(k => k[parent.Length..].Split('.')[0]).Distinct();
        return Spelling.Nearest(name, siblings) is { } near ? parent + near : null;
    }
}
