using System.Buffers.Binary;
using System.Text;

namespace Supervisor.Shim.Ttrpc;

/// <summary>
/// Reads a protobuf message field by field: <see cref="Next"/>, then the property of the field's type. Strict where a lenient
/// reader would guess: a field of another type, invalid UTF-8 and truncation are errors. Unknown fields are skipped, as proto3
/// has it. protobuf.dev/programming-guides/encoding.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> message)
{
    private const int Varint = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5;
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);
    private ReadOnlySpan<byte> _rest = message;
    private ReadOnlySpan<byte> _bytes;
    private ulong _number;
    private int _type;

    /// <summary>The current field's number.</summary>
    public int Field { get; private set; }

    /// <summary>Moves to the next field.</summary>
    /// <returns>False at the end of the message.</returns>
    /// <exception cref="InvalidDataException">The message is malformed.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        var key = ReadVarint();
        if (key >> 3 is 0 or > 0x1fff_ffff) throw new InvalidDataException($"{key >> 3} is not a field number");
        (Field, _type, _number) = ((int)(key >> 3), (int)(key & 7), 0);
        _bytes = default;
        switch (_type)
        {
            case Varint: _number = ReadVarint(); break;
            case Fixed64: _number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8)); break;
            case Delimited: _bytes = Take(ReadVarint()); break;
            case Fixed32: _number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4)); break;
            default: throw new InvalidDataException($"field {Field}: wire type {_type} is not supported");
        }
        return true;
    }

    /// <summary>An int64; an int32 too, after a check of its range by the caller.</summary>
    public readonly long Int64 => (long)Number();

    /// <summary>A uint32. Higher bits are dropped, as other readers do.</summary>
    public readonly uint UInt32 => (uint)Number();

    /// <summary>A bool.</summary>
    public readonly bool Flag => Number() != 0;

    /// <summary>Bytes, or a message.</summary>
    public readonly ReadOnlySpan<byte> Bytes =>
        _type == Delimited ? _bytes : throw new InvalidDataException($"field {Field}: bytes expected, not wire type {_type}");

    /// <summary>A string.</summary>
    public readonly string Text
    {
        get
        {
            try
            {
                return Utf8.GetString(Bytes);
            }
            catch (DecoderFallbackException)
            {
                throw new InvalidDataException($"field {Field}: the string is not valid UTF-8");
            }
        }
    }

    private readonly ulong Number() =>
        _type == Varint ? _number : throw new InvalidDataException($"field {Field}: a number expected, not wire type {_type}");

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length)
            throw new InvalidDataException($"field {Field}: {length} bytes announced, {_rest.Length} are left");
        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }

    private ulong ReadVarint()
    {
        var number = 0UL;
        for (var i = 0; i < 10 && i < _rest.Length; i++)
        {
            number |= (ulong)(_rest[i] & 0x7f) << 7 * i;
            if (_rest[i] >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return number;
        }
        throw new InvalidDataException(_rest.Length < 10 ? "truncated number" : "a number of more than ten bytes");
    }
}
