using System.Globalization;
using System.Text;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>
/// The extended header of one entry: lines of <c>LENGTH KEY=VALUE</c>, with values in bytes. POSIX.1-2017, pax.
/// </summary>
internal sealed class PaxRecords
{
    private const string AttributePrefix = "SCHILY.xattr.";
    private readonly Dictionary<string, byte[]> _records = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _attributes = new(StringComparer.Ordinal);
    private long? _offset;

    /// <summary>Extended attributes by name.</summary>
    public IReadOnlyDictionary<string, byte[]> Attributes => _attributes;

    /// <summary>The map of holes of versions 0.0 and 0.1; null if there is none.</summary>
    public List<TarSegment>? Sparse { get; private set; }

    /// <summary>Adds the records of one header.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var space = bytes.IndexOf((byte)' ');
            if (space is <= 0 or > 9
                || !int.TryParse(bytes[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length <= space + 1 || length > bytes.Length || bytes[length - 1] != (byte)'\n') throw TarReader.Invalid(
                    "an invalid extended header");
            var record = bytes[(space + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals <= 0) throw TarReader.Invalid("an invalid extended header");
            Add(Encoding.Latin1.GetString(record[..equals]), record[(equals + 1)..].ToArray());
            bytes = bytes[length..];
        }
    }

    /// <summary>A value as text; null if it is missing.</summary>
    public string? Text(string key) => _records.TryGetValue(key, out var value) ? TarReader.Text(value) : null;

    /// <summary>A value as a number; null if it is missing.</summary>
    public long? Number(string key) => Text(key) is { } text ? Number(text, key) : null;

    /// <summary>A value as seconds with a fraction; null if it is missing.</summary>
    public FileTime? Time(string key)
    {
        if (Text(key) is not { } text) return null;
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var seconds = Number(dot < 0 ? text : text[..dot], key);
        if (dot < 0) return new FileTime(seconds, 0);
        var fraction = text[(dot + 1)..];
        if (fraction.AsSpan().IndexOfAnyExceptInRange('0', '9') >= 0) throw TarReader.Invalid($"a {key} that is not a time");
        var nanoseconds = int.Parse(fraction.PadRight(9, '0')[..9], CultureInfo.InvariantCulture);
        return text[0] != '-' || nanoseconds == 0 ? new FileTime(seconds, nanoseconds)
            : new FileTime(seconds - 1, 1_000_000_000 - nanoseconds);
    }

    private void Add(string key, byte[] value)
    {
        if (key.StartsWith(AttributePrefix, StringComparison.Ordinal)) _attributes[key[AttributePrefix.Length..]] = value;
        else if (key == "GNU.sparse.offset") _offset = Number(TarReader.Text(value), key);
        else if (key == "GNU.sparse.numbytes")
            (Sparse ??= []).Add(new TarSegment(_offset ?? 0, Number(TarReader.Text(value), key)));
        else if (key == "GNU.sparse.map") Sparse = Map(TarReader.Text(value));
        else _records[key] = value;
    }

    private static List<TarSegment> Map(string text)
    {
        var numbers = text.Split(',', StringSplitOptions.RemoveEmptyEntries);
        var segments = new List<TarSegment>();
        for (var i = 0; i + 1 < numbers.Length; i += 2)
            segments.Add(new TarSegment(Number(numbers[i], "GNU.sparse.map"), Number(numbers[i + 1], "GNU.sparse.map")));
        return segments;
    }

    private static long Number(string text, string key) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw TarReader.Invalid($"a {key} that is not a number");
}
