using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using SQLitePCL;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>
/// CRC-32C over the values of a row, each with its type and length: it finds every single flipped bit, and any burst of up to 32.
/// It complements SQLite's own checks, which cover the structure of the file but not the values in a row.
/// </summary>
internal struct RowChecksum()
{
    private uint _crc = uint.MaxValue;

    /// <summary>As stored: never negative.</summary>
    public readonly long Value => ~_crc;

    public RowChecksum Add(long? number)
    {
        Take((byte)(number is null ? raw.SQLITE_NULL : raw.SQLITE_INTEGER));
        if (number is { } value) Take((ulong)value);
        return this;
    }

    public RowChecksum Add(string? text)
    {
        if (text is null) return Add((long?)null);
        Span<byte> buffer = stackalloc byte[512];
        var length = Encoding.UTF8.GetMaxByteCount(text.Length) <= buffer.Length ? Encoding.UTF8.GetBytes(text, buffer) : -1;
        return Add(raw.SQLITE_TEXT, length >= 0 ? buffer[..length] : Encoding.UTF8.GetBytes(text));
    }

    public RowChecksum Add(byte[] blob) => Add(raw.SQLITE_BLOB, blob);

    /// <summary>Adds a column of a row, as stored.</summary>
    public RowChecksum Add(ResultRow row, int column) => row.Type(column) switch
    {
        raw.SQLITE_NULL => Add((long?)null),
        raw.SQLITE_INTEGER => Add(row.Number(column)),
        var type => Add(type, row.Bytes(column)),
    };

    private RowChecksum Add(int type, ReadOnlySpan<byte> bytes)
    {
        Take((byte)type);
        Take((ulong)bytes.Length);
        for (; bytes.Length >= 8; bytes = bytes[8..]) Take(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var one in bytes) Take(one);
        return this;
    }

    private void Take(byte one) => _crc = BitOperations.Crc32C(_crc, one);

    private void Take(ulong eight) => _crc = BitOperations.Crc32C(_crc, eight);
}
