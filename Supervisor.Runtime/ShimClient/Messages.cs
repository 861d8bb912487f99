using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Supervisor.Runtime.ShimClient;

/// <summary>Writes a message's fields in order, little-endian; lists and bytes are prefixed with their length.</summary>
internal sealed class MessageWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(256);

    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    public MessageWriter U8(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
        return this;
    }

    public MessageWriter Flag(bool value) => U8(value ? (byte)1 : (byte)0);

    public MessageWriter I32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.GetSpan(4), value);
        _buffer.Advance(4);
        return this;
    }

    public MessageWriter I64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_buffer.GetSpan(8), value);
        _buffer.Advance(8);
        return this;
    }

    public MessageWriter Bytes(ReadOnlySpan<byte> value)
    {
        I32(value.Length);
        _buffer.Write(value);
        return this;
    }

    public MessageWriter Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

    public MessageWriter Texts(IReadOnlyCollection<string> values)
    {
        I32(values.Count);
        foreach (var value in values) Text(value);
        return this;
    }

    public MessageWriter Pairs(IReadOnlyDictionary<string, string> pairs)
    {
        I32(pairs.Count);
        foreach (var (key, value) in pairs) Text(key).Text(value);
        return this;
    }
}

/// <summary>
/// Reads what <see cref="MessageWriter"/> wrote. Fields that a newer peer appends are left unread, and those that an older one
/// does not send read as 0, empty or false: so a new field may only be appended to a message.
/// </summary>
internal sealed class MessageReader(ReadOnlyMemory<byte> message)
{
    private const int MostElements = 4096;
    private int _at;

    /// <summary>Whether nothing is left to read.</summary>
    public bool IsAtEnd => Left == 0;

    private int Left => message.Length - _at;

    public byte U8() => Left == 0 ? (byte)0 : message.Span[Move(1)];

    public bool Flag() => U8() != 0;

    public int I32() => Left == 0 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(message.Span[Move(4)..]);

    public long I64() => Left == 0 ? 0 : BinaryPrimitives.ReadInt64LittleEndian(message.Span[Move(8)..]);

    public ReadOnlyMemory<byte> Bytes()
    {
        var length = I32();
        return message.Slice(Move(length), length);
    }

    public string Text() => Encoding.UTF8.GetString(Bytes().Span);

    public List<string> Texts()
    {
        var texts = new List<string>();
        for (var left = Count(); left > 0; left--) texts.Add(Text());
        return texts;
    }

    public Dictionary<string, string> Pairs()
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var left = Count(); left > 0; left--) pairs[Text()] = Text();
        return pairs;
    }

    /// <exception cref="InvalidDataException">A list is longer than in any valid message.</exception>
    public int Count() =>
        I32() is >= 0 and <= MostElements and var count
        ? count : throw new InvalidDataException("a message has a list that is too long");

    private int Move(int length)
    {
        if (length < 0 || length > Left) throw new InvalidDataException("a message ends within a field");
        _at += length;
        return _at - length;
    }
}
