using System.Text;

namespace Supervisor.Runtime.Checkpointing;

/// <summary>
/// A message of criu's RPC in protobuf encoding: numbered fields, each a number or bytes. criu.org/RPC, rpc.proto.
/// </summary>
internal sealed class CriuMessage
{
    private const int Varint = 0, Bytes = 2;
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    /// <summary>Negative numbers take ten bytes, as int32 has it.</summary>
    public CriuMessage Add(int field, long number)
    {
        Write((ulong)(field << 3 | Varint));
        Write((ulong)number);
        return this;
    }

    /// <summary>False is left out: it is the default.</summary>
    public CriuMessage Add(int field, bool value) => value ? Add(field, 1) : this;

    /// <summary>Null is left out.</summary>
    public CriuMessage Add(int field, string? text) => text is null ? this : Add(field, Encoding.UTF8.GetBytes(text));

    public CriuMessage Add(int field, CriuMessage inner) => Add(field, inner.ToArray());

    private CriuMessage Add(int field, byte[] bytes)
    {
        Write((ulong)(field << 3 | Bytes));
        Write((ulong)bytes.Length);
        _bytes.AddRange(bytes);
        return this;
    }

    private void Write(ulong number)
    {
        for (; number >= 0x80; number >>= 7) _bytes.Add((byte)(number | 0x80));
        _bytes.Add((byte)number);
    }

    /// <summary>The last number and the last bytes of every field.</summary>
    /// <exception cref="InvalidDataException">It is truncated, or has a wire type that criu does not write.</exception>
    public static (Dictionary<int, long> Numbers, Dictionary<int, byte[]> Texts) Read(ReadOnlySpan<byte> message)
    {
        var (numbers, texts) = (new Dictionary<int, long>(), new Dictionary<int, byte[]>());
        while (!message.IsEmpty)
        {
            var key = Number(ref message);
            var (field, kind) = ((int)(key >> 3), (int)(key & 7));
            if (kind == Varint)
            {
                numbers[field] = (long)Number(ref message);
                continue;
            }
            var length = kind == Bytes
                ? Number(ref message) : throw new InvalidDataException($"criu: field {field} of kind {kind}");
            if (length > (ulong)message.Length) throw new InvalidDataException("criu: truncated message");
            texts[field] = message[..(int)length].ToArray();
            message = message[(int)length..];
        }
        return (numbers, texts);
    }

    private static ulong Number(ref ReadOnlySpan<byte> message)
    {
        var number = 0UL;
        for (var i = 0; i < 10 && i < message.Length; i++)
        {
            number |= (ulong)(message[i] & 0x7f) << 7 * i;
            if (message[i] >= 0x80) continue;
            message = message[(i + 1)..];
            return number;
        }
        throw new InvalidDataException("criu: truncated number");
    }
}
