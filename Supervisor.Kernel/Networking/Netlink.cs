using System.Buffers.Binary;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Networking;

/// <summary>An rtnetlink(7) socket in the network namespace of the thread that opens it. One request at a time.</summary>
internal sealed unsafe class Netlink : IDisposable
{
    private const int NETLINK_ROUTE = 0, NLM_F_REQUEST = 1, NLM_F_ACK = 4, NLMSG_ERROR = 2, NLMSG_DONE = 3, HeaderSize = 16,
        BufferSize = 64 << 10;

    /// <summary>Flags of a request. netlink(7).</summary>
    public const ushort NLM_F_DUMP = 0x300, NLM_F_EXCL = 0x200, NLM_F_CREATE = 0x400;

    private readonly Fd _socket;
    private uint _sequence;

    public Netlink()
    {
        var number = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        _socket = number >= 0 ? new Fd(number) : throw new SyscallException("socket", Errno.Last, "NETLINK_ROUTE");
    }

    /// <summary>Sends a request and waits for its acknowledgement.</summary>
    /// <returns><see cref="Errno.None"/>, or why not.</returns>
    public Errno Do(ushort type, ushort flags, ReadOnlySpan<byte> message)
    {
        Send(type, (ushort)(flags | NLM_F_ACK), message);
        var answer = Errno.None;
        Receive((kind, body) => answer = kind == NLMSG_ERROR ? (Errno)(-BinaryPrimitives.ReadInt32LittleEndian(body)) : answer);
        return answer;
    }

    /// <summary>Lists all objects of a kind.</summary>
    public IReadOnlyList<byte[]> Dump(ushort type, ReadOnlySpan<byte> message)
    {
        Send(type, NLM_F_DUMP, message);
        var all = new List<byte[]>();
        Receive((kind, body) =>
        {
            if (kind != NLMSG_ERROR) all.Add(body);
            else if (BinaryPrimitives.ReadInt32LittleEndian(body) is not 0 and var error)
                throw new SyscallException("rtnetlink", (Errno)(-error), "dump");
        });
        return all;
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Attributes, each with its length and type, padded to four bytes.</summary>
    public static byte[] Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        var bytes = new byte[(4 + value.Length + 3) & ~3];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2), type);
        value.CopyTo(bytes.AsSpan(4));
        return bytes;
    }

    /// <summary>The attributes of a message.</summary>
    /// <param name="bytes">After the message's fixed part.</param>
    public static IReadOnlyList<(ushort Type, byte[] Value)> Attributes(ReadOnlySpan<byte> bytes)
    {
        var all = new List<(ushort, byte[])>();
        while (bytes.Length >= 4)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes), padded = (length + 3) & ~3;
            if (length < 4 || length > bytes.Length) break;
            all.Add(((ushort)(BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]) & 0x3fff), bytes[4..length].ToArray()));
            bytes = bytes[Math.Min(padded, bytes.Length)..];
        }
        return all;
    }

    private void Send(ushort type, ushort flags, ReadOnlySpan<byte> message)
    {
        var bytes = new byte[HeaderSize + message.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), (ushort)(flags | NLM_F_REQUEST));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), ++_sequence);
        message.CopyTo(bytes.AsSpan(HeaderSize));
        fixed (byte* start = bytes)
            if (send(_socket.Number, start, bytes.Length, 0) < 0) throw new SyscallException("send", Errno.Last, "NETLINK_ROUTE");
    }

    /// <summary>
    /// Reads the reply to the last request to its end: the kernel has queued it by the time that send(2) returns.
    /// </summary>
    private void Receive(Action<int, byte[]> each)
    {
        var buffer = new byte[BufferSize];
        while (true)
        {
            int got;
            fixed (byte* start = buffer) got = (int)recv(_socket.Number, start, buffer.Length, 0);
            if (got < 0 && Errno.Last is Errno.EINTR) continue;
            if (got < 0) throw new SyscallException("recv", Errno.Last, "NETLINK_ROUTE");
            for (var at = 0; at + HeaderSize <= got;)
            {
                var (length, kind) =
                    (BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(at)),
                    BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + 4)));
                if (length < HeaderSize || at + length > got) break;
                if (BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(at + 8)) == _sequence)
                {
                    if (kind == NLMSG_DONE) return;
                    each(kind, buffer[(at + HeaderSize)..(at + length)]);
                    if (kind == NLMSG_ERROR) return;
                }
                at += (length + 3) & ~3;
            }
        }
    }
}
