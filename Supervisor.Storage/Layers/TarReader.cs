using System.Text;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>
/// Reads a tar stream: ustar, PAX and GNU, with sparse files and binary attributes. tar(5), POSIX.1-2017 pax. Whatever the
/// stream claims, at most <see cref="MaximumMetadata"/> bytes of metadata are buffered.
/// </summary>
/// <remarks>Not System.Formats.Tar: it decodes attributes as UTF-8, which destroys security.capability, and does not support
/// sparse files.</remarks>
public sealed class TarReader(Stream stream)
{
    /// <summary>Bytes of extended headers of one entry: names, attributes, maps of holes.</summary>
    public const int MaximumMetadata = 4 << 20;

    private const int Block = 512;
    private static readonly byte[] NoData = new byte[Block];
    private readonly byte[] _block = new byte[Block];
    private long _left, _padding;

    /// <summary>The next entry; unread bytes of the one before are skipped. Null at the end.</summary>
    /// <exception cref="StorageException">This is not a tar, or it is truncated.</exception>
    public TarEntry? Next(CancellationToken cancel)
    {
        Skip(cancel);
        var extended = new PaxRecords();
        string? longName = null, longLink = null;
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            if (!ReadBlock(atEnd: true) || _block.AsSpan().SequenceEqual(NoData)) return null;
            var header = new TarHeader(_block);
            header.CheckSum();
            switch (header.Type)
            {
                case (byte)'x': extended.Add(Metadata(header.Size)); continue;
                case (byte)'g': Metadata(header.Size); continue;
                case (byte)'L': longName = Text(Metadata(header.Size)); continue;
                case (byte)'K': longLink = Text(Metadata(header.Size)); continue;
                default: return Entry(header, extended, longName, longLink);
            }
        }
    }

    /// <summary>Reads bytes of the current entry, without its holes.</summary>
    /// <returns>0 when there are no more.</returns>
    public int Read(Span<byte> buffer)
    {
        if (_left == 0) return 0;
        var got = stream.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
        if (got == 0) throw CutOff();
        _left -= got;
        return got;
    }

    private TarEntry Entry(TarHeader header, PaxRecords extended, string? longName, string? longLink)
    {
        var packed = extended.Number("size") ?? header.Size;
        if (packed < 0) throw Invalid($"an entry of {packed} bytes");
        var name = extended.Text("GNU.sparse.name") ?? extended.Text("path") ?? longName ?? header.Name;
        var link = extended.Text("linkpath") ?? longLink ?? header.LinkName;
        var kind = header.Type switch
        {
            0 or (byte)'7' or (byte)'S' => name.EndsWith('/') ? TarKind.Directory : TarKind.File,
            (byte)'0' when name.EndsWith('/') => TarKind.Directory, // as old tars wrote them, before 1988
            >= (byte)'0' and <= (byte)'6' => (TarKind)header.Type,
            var other => throw Invalid($"\"{RawName.ToText(name)}\" is of type {(char)other}, which a layer cannot have"),
        };
        var hasData = kind is TarKind.File;
        (_left, _padding) = hasData ? (packed, (Block - packed % Block) % Block) : (0, 0);
        var (size, segments) = hasData ? Holes(header, extended, packed) : (0, null);
        return new TarEntry(
            name, kind, link, header.Mode & 0xfff, Id(extended.Number("uid") ?? header.Uid, "uid"),
                Id(extended.Number("gid") ?? header.Gid, "gid"),
            size, extended.Time("mtime")
                ?? new FileTime(header.Modified, 0), header.Major, header.Minor, segments, extended.Attributes);
    }

    private (long Size, IReadOnlyList<TarSegment>? Segments) Holes(TarHeader header, PaxRecords extended, long packed)
    {
        List<TarSegment> segments;
        long size;
        if (header.Type == (byte)'S')
        {
            segments = header.OldSparse(out var more);
            size = header.RealSize;
            while (more)
            {
                ReadBlock(atEnd: false);
                more = TarHeader.MoreSparse(_block, segments);
                if (segments.Count > MaximumMetadata / 16) throw Invalid("a map with too many holes");
            }
        }
        else if (extended.Text("GNU.sparse.major") == "1")
        {
            size = extended.Number("GNU.sparse.realsize") ?? throw Invalid("a sparse file without its size");
            segments = SparseMapInData();
        }
        else if (extended.Sparse is { } map)
        {
            size = extended.Number("GNU.sparse.size") ?? throw Invalid("a sparse file without its size");
            segments = map;
        }
        else return (packed, null);
        long end = 0, bytes = 0;
        foreach (var s in segments)
        {
            if (s.Offset < end || s.Length < 0 || s.Offset > long.MaxValue - s.Length)
                throw Invalid("a map of holes that overlaps itself");
            end = s.Offset + s.Length;
            bytes += s.Length;
        }
        if (end > size || bytes != _left) throw Invalid("a map of holes that does not fit its file");
        return (size, segments);
    }

    /// <summary>Version 1.0 has the map in front of the bytes: decimal numbers, one per line, padded to a block.</summary>
    private List<TarSegment> SparseMapInData()
    {
        var taken = 0;
        var at = Block;
        var block = new byte[Block];
        var count = Number();
        if (count is < 0 or > MaximumMetadata / 16) throw Invalid("a map with too many holes");
        var segments = new List<TarSegment>();
        for (var i = 0; i < count; i++) segments.Add(new TarSegment(Number(), Number()));
        return segments;

        long Number()
        {
            long number = 0;
            for (var digits = 0; digits < 20; digits++)
            {
                if (at == Block)
                {
                    taken += Block;
                    if (taken > MaximumMetadata) break;
                    for (var got = 0; got < Block;)
                    {
                        var more = Read(block.AsSpan(got));
                        if (more == 0) throw CutOff();
                        got += more;
                    }
                    at = 0;
                }
                var c = block[at++];
                if (c == (byte)'\n') return number;
                if (c is < (byte)'0' or > (byte)'9') break;
                number = unchecked(number * 10 + (c - '0'));
                if (number < 0) break;
            }
            throw Invalid("an invalid map of holes");
        }
    }

    private byte[] Metadata(long size)
    {
        if (size is < 0 or > MaximumMetadata)
            throw Invalid($"an extended header of {size} bytes, at most {MaximumMetadata} are allowed");
        var bytes = new byte[size];
        Fill(bytes);
        var padding = (int)((Block - size % Block) % Block);
        if (padding > 0) Fill(_block.AsSpan(0, padding));
        return bytes;
    }

    private void Skip(CancellationToken cancel)
    {
        var buffer = new byte[64 * 1024];
        while (_left > 0)
        {
            cancel.ThrowIfCancellationRequested();
            Read(buffer);
        }
        if (_padding > 0) Fill(_block.AsSpan(0, (int)_padding));
        _padding = 0;
    }

    private bool ReadBlock(bool atEnd)
    {
        var got = stream.ReadAtLeast(_block, Block, throwOnEndOfStream: false);
        if (got == Block) return true;
        return got == 0 && atEnd ? false : throw CutOff();
    }

    private void Fill(Span<byte> buffer)
    {
        if (stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length) throw CutOff();
    }

    private static uint Id(long number, string field) =>
        number is >= 0 and <= uint.MaxValue ? (uint)number : throw Invalid($"{field} {number}");

    internal static string Text(ReadOnlySpan<byte> bytes)
    {
        var zero = bytes.IndexOf((byte)0);
        return Encoding.Latin1.GetString(zero < 0 ? bytes : bytes[..zero]);
    }

    internal static StorageException Invalid(string what) => new(StorageFault.InvalidArgument, $"the tar holds {what}");

    private static StorageException CutOff() =>
        new(StorageFault.InvalidArgument, "the tar ends within an entry: it is truncated, or claims more than it holds");
}
