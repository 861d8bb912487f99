using System.Buffers;
using System.Text;

namespace Supervisor.Shim.Ttrpc;

/// <summary>
/// Writes a protobuf message. Fields with their default (0, false, empty) are left out, as proto3 has it; a message that must
/// be there although it is empty is written as bytes.
/// </summary>
internal sealed class WireWriter
{
    private const int Varint = 0, Delimited = 2;
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public WireWriter Number(int field, ulong value)
    {
        if (value != 0) Element(field, value);
        return this;
    }

    /// <summary>One of a repeated field: 0 is written too.</summary>
    public void Element(int field, ulong value)
    {
        WriteVarint((uint)field << 3 | Varint);
        WriteVarint(value);
    }

    /// <summary>An int32 or int64: negative ones take ten bytes.</summary>
    public WireWriter Signed(int field, long value) => Number(field, (ulong)value);

    public WireWriter Flag(int field, bool value) => Number(field, value ? 1UL : 0);

    public WireWriter Text(int field, string value) => value.Length == 0 ? this : Bytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Written also when it is empty.</summary>
    public WireWriter Message(int field, WireWriter message) => Bytes(field, message.Written);

    /// <summary>Written also when it is empty.</summary>
    public WireWriter Bytes(int field, ReadOnlySpan<byte> value)
    {
        WriteVarint((uint)field << 3 | Delimited);
        WriteVarint((ulong)value.Length);
        _bytes.Write(value);
        return this;
    }

    private void WriteVarint(ulong number)
    {
        var target = _bytes.GetSpan(10);
        var length = 0;
        for (; number >= 0x80; number >>= 7) target[length++] = (byte)(number | 0x80);
        target[length++] = (byte)number;
        _bytes.Advance(length);
    }
}
