using System.Globalization;
using System.Text;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>
/// Writes a tar stream: ustar, with a PAX header where that is too small. The same entries give the same bytes.
/// </summary>
internal sealed class TarWriter(Stream stream)
{
    private const int Block = 512;
    private readonly byte[] _block = new byte[Block];
    private long _size;

    /// <summary>Writes a header; a file's bytes follow by <see cref="Write"/> and <see cref="EndFile"/>.</summary>
    public void Add(TarEntry entry)
    {
        var pax = new List<byte>();
        var size = entry.Kind is TarKind.File ? entry.Size : 0;
        var map = entry.Segments is null ? [] : Map(entry.Segments);
        if (entry.Segments is not null)
        {
            Record(pax, "GNU.sparse.major", "1");
            Record(pax, "GNU.sparse.minor", "0");
            Record(pax, "GNU.sparse.name", entry.Name);
            Record(pax, "GNU.sparse.realsize", $"{size}");
            size = map.Length + entry.Segments.Sum(s => s.Length);
        }
        if (NeedsPax(entry.Name)) Record(pax, "path", entry.Name);
        if (NeedsPax(entry.LinkName)) Record(pax, "linkpath", entry.LinkName);
        if (entry.Uid > 0x1fffff) Record(pax, "uid", $"{entry.Uid}");
        if (entry.Gid > 0x1fffff) Record(pax, "gid", $"{entry.Gid}");
        if (size > 0x1ffffffff) Record(pax, "size", $"{size}");
        if (entry.Modified.Nanoseconds != 0 || entry.Modified.Seconds is < 0 or > 0x1ffffffff)
            Record(pax, "mtime", Time(entry.Modified));
        foreach (var (key, value) in entry.Attributes.OrderBy(a => a.Key, StringComparer.Ordinal))
            Record(pax, "SCHILY.xattr." + key, value);
        if (pax.Count > 0)
        {
            Header($"PaxHeaders/{Short(entry.Name, 80)}", "", (byte)'x', 0x1a4, 0, 0, pax.Count, 0, 0, 0);
            stream.Write(pax.ToArray());
            Pad(pax.Count);
        }
        Header(
            Short(entry.Name, 100), Short(entry.LinkName, 100), (byte)entry.Kind, entry.Mode, entry.Uid, entry.Gid, size,
                entry.Modified.Seconds, entry.Major, entry.Minor);
        stream.Write(map);
        _size = size;
    }

    /// <summary>Bytes of the file.</summary>
    public void Write(ReadOnlySpan<byte> bytes) => stream.Write(bytes);

    /// <summary>Pads up to the next header.</summary>
    public void EndFile() => Pad(_size);

    /// <summary>Ends the tar.</summary>
    public void End() => stream.Write(new byte[2 * Block]);

    /// <summary>Version 1.0 of GNU's sparse files has the map in front of the bytes, padded to a block.</summary>
    private static byte[] Map(IReadOnlyList<TarSegment> segments)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{segments.Count}\n");
        foreach (var (offset, length) in segments) text.Append(CultureInfo.InvariantCulture, $"{offset}\n{length}\n");
        var map = new byte[(text.Length + Block - 1) / Block * Block];
        Encoding.ASCII.GetBytes(text.ToString(), map);
        return map;
    }

    private void Header(
        string name, string link, byte type, uint mode, uint uid, uint gid, long size, long modified, uint major, uint minor)
    {
        Array.Clear(_block);
        Encoding.Latin1.GetBytes(name, _block);
        Octal(100, 8, mode);
        Octal(108, 8, uid > 0x1fffff ? 0 : uid);
        Octal(116, 8, gid > 0x1fffff ? 0 : gid);
        Octal(124, 12, size > 0x1ffffffff ? 0 : size);
        Octal(136, 12, modified is < 0 or > 0x1ffffffff ? 0 : modified);
        _block.AsSpan(148, 8).Fill((byte)' ');
        _block[156] = type;
        Encoding.Latin1.GetBytes(link, _block.AsSpan(157, 100));
        "ustar\0"u8.CopyTo(_block.AsSpan(257));
        "00"u8.CopyTo(_block.AsSpan(263));
        Octal(329, 8, major);
        Octal(337, 8, minor);
        var sum = 0;
        foreach (var b in _block) sum += b;
        Octal(148, 7, sum);
        stream.Write(_block);
    }

    private void Octal(int at, int length, long number)
    {
        var text = Convert.ToString(number, 8).PadLeft(length - 1, '0');
        Encoding.ASCII.GetBytes(text, _block.AsSpan(at, length - 1));
        _block[at + length - 1] = 0;
    }

    private void Pad(long size)
    {
        var padding = (int)((Block - size % Block) % Block);
        stream.Write(new byte[padding]);
    }

    private static bool NeedsPax(string raw) => raw.Length > 100 || raw.AsSpan().ContainsAnyExceptInRange(' ', '~');

    private static string Short(string raw, int length) => raw.Length <= length ? raw : raw[..length];

    private static string Time(FileTime time)
    {
        if (time.Nanoseconds == 0) return time.Seconds.ToString(CultureInfo.InvariantCulture);
        var (seconds, nanoseconds) = time.Seconds >= 0 ? (time.Seconds, time.Nanoseconds)
            : (time.Seconds + 1, 1_000_000_000 - time.Nanoseconds);
        var sign = time.Seconds < 0 && seconds == 0 ? "-" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{seconds}.{nanoseconds:D9}").TrimEnd('0');
    }

    private static void Record(List<byte> pax, string key, string value) => Record(pax, key, Encoding.Latin1.GetBytes(value));

    /// <summary>The length in front counts its own digits.</summary>
    private static void Record(List<byte> pax, string key, byte[] value)
    {
        var rest = key.Length + value.Length + 3;
        var length = rest + 1;
        while (length != rest + length.ToString(CultureInfo.InvariantCulture).Length)
            length = rest + length.ToString(CultureInfo.InvariantCulture).Length;
        pax.AddRange(Encoding.Latin1.GetBytes($"{length.ToString(CultureInfo.InvariantCulture)} {key}="));
        pax.AddRange(value);
        pax.Add((byte)'\n');
    }
}
