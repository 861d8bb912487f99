using System.Buffers.Binary;

namespace Supervisor.Shim.Ttrpc;

/// <summary>The types of frames. Streams have data frames, which we refuse.</summary>
internal enum FrameType : byte
{
    Request = 1,
    Response = 2,
    Data = 3,
}

/// <summary>The flags of frames.</summary>
[Flags]
internal enum FrameFlags : byte
{
    None = 0,

    /// <summary>The sender sends no more in this stream.</summary>
    RemoteClosed = 1,

    /// <summary>More frames follow in this stream: it is no unary call.</summary>
    RemoteOpen = 2,

    /// <summary>The frame has no payload.</summary>
    NoData = 4,
}

/// <summary>
/// One message of ttrpc: a header of ten bytes, big-endian (length, stream, type, flags), and the payload. A client's streams
/// have odd, rising numbers. github.com/containerd/ttrpc, PROTOCOL.md.
/// </summary>
/// <param name="Payload">Null where it was too long, and skipped.</param>
/// <param name="Length">Of the payload, as the header says.</param>
internal readonly record struct TtrpcFrame(uint Stream, FrameType Type, FrameFlags Flags, byte[]? Payload, uint Length)
{
    /// <summary>Bytes of the header.</summary>
    public const int HeaderSize = 10;

    /// <summary>Bytes of the longest payload: containerd's limit.</summary>
    public const int LongestPayload = 4 << 20;

    public static byte[] Encode(uint stream, FrameType type, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[HeaderSize + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)payload.Length);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), stream);
        frame[8] = (byte)type;
        payload.CopyTo(frame.AsSpan(HeaderSize));
        return frame;
    }
}
