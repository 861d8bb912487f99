using System.Buffers.Binary;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Tests.Shim.Ttrpc;

public sealed class FrameReaderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Frames_are_read_however_the_bytes_are_divided(int part)
    {
        byte[] bytes =
        [
            .. TtrpcFrame.Encode(1, FrameType.Request, "first"u8), .. TtrpcFrame.Encode(3, FrameType.Response, []),
            .. TtrpcFrame.Encode(uint.MaxValue, (FrameType)9, new byte[100]),
        ];
        Assert.Equal(
            [(1u, FrameType.Request, 5), (3u, FrameType.Response, 0), (uint.MaxValue, (FrameType)9, 100)],
            Read(bytes, part).Select(f => (f.Stream, f.Type, f.Payload!.Length)));
    }

    [Theory]
    [InlineData(TtrpcFrame.LongestPayload, false)]
    [InlineData(TtrpcFrame.LongestPayload + 1, true)]
    public void A_payload_above_the_limit_is_skipped_and_the_next_frame_read(int length, bool isSkipped)
    {
        byte[] bytes =
        [
            .. TtrpcFrame.Encode(5, FrameType.Request, new byte[length]), .. TtrpcFrame.Encode(7, FrameType.Request, []),
        ];
        var frames = Read(bytes, 64 << 10);
        Assert.Equal([5u, 7u], frames.Select(f => f.Stream));
        Assert.Equal((isSkipped, (uint)length), (frames[0].Payload is null, frames[0].Length));
    }

    /// <summary>A peer could otherwise take 4 MiB from us with ten bytes, a thousand times.</summary>
    [Fact]
    public void An_announced_length_alone_takes_no_memory()
    {
        var header = TtrpcFrame.Encode(1, FrameType.Request, []);
        BinaryPrimitives.WriteUInt32BigEndian(header, TtrpcFrame.LongestPayload);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Empty(Read(header, 1000));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }

    private static List<TtrpcFrame> Read(byte[] bytes, int part)
    {
        var (reader, frames) = (new FrameReader(), new List<TtrpcFrame>());
        foreach (var chunk in bytes.Chunk(part))
        {
            ReadOnlySpan<byte> rest = chunk;
            while (reader.Read(ref rest) is { } frame) frames.Add(frame);
        }
        return frames;
    }
}
