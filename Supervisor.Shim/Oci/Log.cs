using System.Text;
using System.Text.Json;

namespace Supervisor.Shim.Oci;

/// <summary>Messages in the formats that callers of runc parse: logrus' text, or one JSON object per line.</summary>
internal static class Log
{
    private static readonly System.Text.Encodings.Web.JavaScriptEncoder Relaxed =
        System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    private static string? _file;
    private static bool _json, _debug;

    /// <exception cref="OciException">The format is unknown, or the file cannot be written.</exception>
    public static void Configure(string? file, string format, bool debug)
    {
        (_file, _debug) = (string.IsNullOrEmpty(file) ? null : Path.GetFullPath(file), debug);
        _json = format switch
        {
            "json" => true,
            "text" => false,
            _ => throw new OciException($"invalid log-format: \"{format}\""),
        };
        if (_file is null) return;
        try
        {
            using var there = new FileStream(_file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var where = _file;
            _file = null;
            throw new OciException($"cannot open the log file: {OciException.Wording(e, where)}", e);
        }
    }

    /// <summary>Whether <see cref="Debug"/> writes anything.</summary>
    public static bool Debugs => _debug;

    public static void Debug(string message)
    {
        if (_debug) Write("debug", message);
    }

    public static void Warning(string message) => Write("warning", message);

    /// <summary>A verb's error: into the log, and if that is a file to standard error as well.</summary>
    public static void Fatal(string message)
    {
        Write("error", message);
        if (_file is not null) Streams.WriteError(message + "\n");
    }

    private static void Write(string level, string message)
    {
        var time = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ");
        var line = _json
            ? $"{{\"level\":\"{level}\",\"msg\":\"{JsonEncodedText.Encode(message, Relaxed)}\",\"time\":\"{time}\"}}\n"
            : $"time=\"{time}\" level={level} msg=\"{Quoted(message)}\"\n";
        if (_file is null) Streams.WriteError(line);
        else File.AppendAllText(_file, line);
    }

    private static string Quoted(string text)
    {
        var quoted = new StringBuilder(text.Length);
        foreach (var c in text)
            _ = c switch { '"' =>
                quoted.Append("\\\""), '\\' =>
                quoted.Append(@"\\"), '\n' => quoted.Append("\\n"), '\t' => quoted.Append("\\t"), _ => quoted.Append(c) };
        return quoted.ToString();
    }
}
