namespace Supervisor.Storage.Layers;

/// <summary>The 512 bytes in front of an entry. tar(5).</summary>
internal readonly ref struct TarHeader(ReadOnlySpan<byte> block)
{
    private readonly ReadOnlySpan<byte> _block = block;

    private bool IsUstar => _block[257..263].SequenceEqual("ustar\0"u8);

    public string Name
    {
        get
        {
            var name = TarReader.Text(_block[..100]);
            var prefix = IsUstar ? TarReader.Text(_block[345..500]) : "";
            return prefix.Length > 0 ? $"{prefix}/{name}" : name;
        }
    }

    public uint Mode => (uint)Number(_block[100..108]);

    public long Uid => Number(_block[108..116]);

    public long Gid => Number(_block[116..124]);

    public long Size => Number(_block[124..136]);

    public long Modified => Number(_block[136..148]);

    public byte Type => _block[156];

    public string LinkName => TarReader.Text(_block[157..257]);

    public uint Major => (uint)Number(_block[329..337]);

    public uint Minor => (uint)Number(_block[337..345]);

    /// <summary>Of a GNU sparse entry: the file's size with its holes.</summary>
    public long RealSize => Number(_block[483..495]);

    public void CheckSum()
    {
        long sum = 0, signed = 0;
        for (var i = 0; i < 512; i++)
        {
            var b = i is >= 148 and < 156 ? (byte)' ' : _block[i];
            sum += b;
            signed += (sbyte)b; // some old tars summed signed characters
        }
        var said = Number(_block[148..156]);
        if (said != sum && said != signed)
            throw TarReader.Invalid("a header whose checksum is wrong: this is not a tar, or it is damaged");
    }

    public List<TarSegment> OldSparse(out bool more)
    {
        var segments = new List<TarSegment>();
        Sparse(_block[386..482], segments);
        more = _block[482] != 0;
        return segments;
    }

    public static bool MoreSparse(ReadOnlySpan<byte> block, List<TarSegment> segments)
    {
        Sparse(block[..504], segments);
        return block[504] != 0;
    }

    private static void Sparse(ReadOnlySpan<byte> map, List<TarSegment> segments)
    {
        for (var at = 0; at + 24 <= map.Length && map[at + 12] != 0; at += 24)
            segments.Add(new TarSegment(Number(map.Slice(at, 12)), Number(map.Slice(at + 12, 12))));
    }

    /// <summary>Octal digits, or, with the highest bit set, a big-endian number (GNU).</summary>
    private static long Number(ReadOnlySpan<byte> field)
    {
        if ((field[0] & 0x80) != 0)
        {
            var negative = (field[0] & 0x40) != 0;
            long number = negative ? -1 : 0;
            for (var i = 0; i < field.Length; i++)
            {
                if (number is > (long.MaxValue >> 8) or < (long.MinValue >> 8))
                    throw TarReader.Invalid("a number of more than 63 bits");
                number = number << 8 | (i == 0 ? (byte)(negative ? field[0] : field[0] & 0x7f) : field[i]);
            }
            return number;
        }
        long octal = 0;
        var digits = field.Trim(" \0"u8);
        foreach (var c in digits)
        {
            if (c is 0 or (byte)' ') break;
            if (c is < (byte)'0' or > (byte)'7') throw TarReader.Invalid("an invalid number");
            octal = octal << 3 | (uint)(c - '0');
        }
        return octal;
    }
}
