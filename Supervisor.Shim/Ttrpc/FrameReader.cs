using System.Buffers.Binary;

namespace Supervisor.Shim.Ttrpc;

/// <summary>
/// Takes bytes as they come and returns frames. The payload of a frame that is too long is skipped, so that the frames after it
/// are read all the same. Holds at most one frame.
/// </summary>
internal sealed class FrameReader
{
    private readonly byte[] _header = new byte[TtrpcFrame.HeaderSize];
    private int _headerFilled;
    private uint _length;
    private long _payloadFilled; // or skipped
    private byte[]? _payload; // null while a header is read, and for a payload that is skipped

    /// <summary>Takes bytes from <paramref name="bytes"/> up to the end of a frame.</summary>
    /// <returns>The frame; null when all bytes are taken and it is not complete.</returns>
    public TtrpcFrame? Read(ref ReadOnlySpan<byte> bytes)
    {
        if (_headerFilled < _header.Length)
        {
            var taken = Math.Min(bytes.Length, _header.Length - _headerFilled);
            bytes[..taken].CopyTo(_header.AsSpan(_headerFilled));
            bytes = bytes[taken..];
            if ((_headerFilled += taken) < _header.Length) return null;
            _length = BinaryPrimitives.ReadUInt32BigEndian(_header);
            (_payload, _payloadFilled) = (_length <= TtrpcFrame.LongestPayload ? [] : null, 0);
        }
        var got = (int)Math.Min(bytes.Length, _length - _payloadFilled);
        if (_payload is not null && got > 0)
        {
            // Grown with what has come: a peer that only announces a length makes us allocate nothing.
            if (_payload.Length < _payloadFilled + got)
                Array.Resize(ref _payload, (int)Math.Min(_length, Math.Max(2L * _payload.Length, _payloadFilled + got)));
            bytes[..got].CopyTo(_payload.AsSpan((int)_payloadFilled));
        }
        bytes = bytes[got..];
        if ((_payloadFilled += got) != _length) return null;
        if (_payload is not null && _payload.Length != (int)_length) Array.Resize(ref _payload, (int)_length);
        var frame = new TtrpcFrame(
            BinaryPrimitives.ReadUInt32BigEndian(_header.AsSpan(4)), (FrameType)_header[8], (FrameFlags)_header[9], _payload,
            _length);
        (_headerFilled, _payload) = (0, null);
        return frame;
    }
}
