using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace Supervisor.Tests.Storage;

/// <summary>
/// Builds tar streams: well-formed ones with System.Formats.Tar, which is independent of our reader, and others by hand.
/// </summary>
internal sealed class TarImage
{
    private readonly MemoryStream _stream = new();
    private readonly TarWriter _writer;

    public TarImage() => _writer = new TarWriter(_stream, TarEntryFormat.Pax, leaveOpen: true);

    public static readonly DateTimeOffset Time = DateTimeOffset.FromUnixTimeSeconds(1_000_000_000).AddMilliseconds(250);

    public TarImage File(
        string name, string text = "", UnixFileMode mode = (UnixFileMode)0b110_100_100, int uid = 0,
        params (string Key, string Value)[] attributes) =>
        Add(new PaxTarEntry(TarEntryType.RegularFile, name,
            attributes.Select(a => KeyValuePair.Create("SCHILY.xattr." + a.Key, a.Value)))
        {
            DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)), Mode = mode, Uid = uid, Gid = uid,
            ModificationTime = Time,
        });

    public TarImage Directory(string name, UnixFileMode mode = (UnixFileMode)0b111_101_101) =>
        Add(new PaxTarEntry(TarEntryType.Directory, name) { Mode = mode, ModificationTime = Time });

    public TarImage Symlink(string name, string target) =>
        Add(new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = target, ModificationTime = Time });

    public TarImage HardLink(string name, string target) =>
        Add(new PaxTarEntry(TarEntryType.HardLink, name) { LinkName = target });

    public TarImage Fifo(string name) =>
        Add(new PaxTarEntry(TarEntryType.Fifo, name) { Mode = (UnixFileMode)0b110_000_000, ModificationTime = Time });

    public TarImage Device(string name, int major, int minor) =>
        Add(new PaxTarEntry(
            TarEntryType.CharacterDevice, name) { DeviceMajor = major, DeviceMinor = minor, Mode = (UnixFileMode)0b110_110_110,
            ModificationTime = Time });

    public byte[] Bytes()
    {
        _writer.Dispose();
        return _stream.ToArray();
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(bytes);
        return target.ToArray();
    }

    /// <summary>A ustar header with the given fields, true or not.</summary>
    public static byte[] Header(string name, long size, byte type = (byte)'0')
    {
        var block = new byte[512];
        Encoding.UTF8.GetBytes(name, block);
        void Octal(int at, int length, long number) =>
            Encoding.ASCII.GetBytes(Convert.ToString(number, 8).PadLeft(length - 1, '0'), block.AsSpan(at));
        Octal(100, 8, 0x1a4);
        Octal(108, 8, 0);
        Octal(116, 8, 0);
        if (size < 1L << 33) Octal(124, 12, size);
        else
        {
            block[124] = 0x80;
            System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(block.AsSpan(128), size);
        }
        Octal(136, 12, 0);
        block[156] = type;
        "ustar\0"u8.CopyTo(block.AsSpan(257));
        block.AsSpan(148, 8).Fill((byte)' ');
        Octal(148, 7, block.Sum(b => b));
        return block;
    }

    private TarImage Add(PaxTarEntry entry)
    {
        _writer.WriteEntry(entry);
        return this;
    }
}
