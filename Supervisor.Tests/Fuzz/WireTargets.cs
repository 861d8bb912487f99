using Supervisor.Shim.Containerd;
using Supervisor.Shim.Ttrpc;
using static Supervisor.Tests.Fuzz.FuzzTargets;

namespace Supervisor.Tests.Fuzz;

/// <summary>What containerd sends to the shim: ttrpc frames, and the requests in them.</summary>
internal static class WireTargets
{
    private static readonly IReadOnlyList<byte[]> Requests =
    [
        Create(), Exec(), Small(), Any(3, "types.containerd.io/x/Process", "{}"u8),
        Any(3, "containerd.runc.v1.Options", Options()),
    ];

    private static readonly IReadOnlyList<byte[]> Streams =
    [
        [.. Frame(1, Create()), .. Frame(3, Small())], [.. Frame(5, Exec()), .. Frame(7, [])], Frame(9, Options()),
    ];

    public static IEnumerable<FuzzTarget> All =>
    [
        new("ttrpc", 60, random => Mutation.Bytes(random, Mutation.Pick(random, Streams), Streams), ReadFrames),
        new("task-requests", 80, random => Mutation.Bytes(random, Mutation.Pick(random, Requests), Requests), ReadRequests),
    ];

    private static bool ReadFrames(byte[] bytes)
    {
        // However the bytes are divided, the frames are the same.
        var (whole, parts) = (Frames(bytes, int.MaxValue), Frames(bytes, 3));
        Holds(whole.Count == parts.Count, "frames that depend on how the bytes came");
        for (var i = 0; i < whole.Count; i++)
            Holds(whole[i].Stream == parts[i].Stream && (whole[i].Payload ?? []).AsSpan().SequenceEqual(parts[i].Payload),
                "a frame that depends on how its bytes came");
        return whole.Any(f => f is { Type: FrameType.Request, Payload: { } payload } && Reads(() => TtrpcRequest.Read(payload)));
    }

    private static List<TtrpcFrame> Frames(byte[] bytes, int part)
    {
        var (reader, frames) = (new FrameReader(), new List<TtrpcFrame>());
        for (var at = 0; at < bytes.Length;)
        {
            ReadOnlySpan<byte> rest = bytes.AsSpan(at, Math.Min(part, bytes.Length - at));
            at += rest.Length;
            while (reader.Read(ref rest) is { } frame) frames.Add(frame);
            Holds(rest.IsEmpty, "bytes that no frame took");
        }
        return frames;
    }

    private static bool ReadRequests(byte[] bytes)
    {
        var accepted = false;
        foreach (var read in (Action[])
            [() => CreateRequest.Read(bytes), () => ExecProcessRequest.Read(bytes), () => ProcessRequest.Read(bytes),
                () => ContainerCall.Read(bytes), () => UpdateRequest.Read(bytes), () => TtrpcResponse.Read(bytes),
                () => CheckpointFields.Read(CheckpointRequest.Read(bytes), ""),
                () => RuncOptions.Read(new AnyMessage("containerd.runc.v1.Options", bytes))])
            accepted |= Reads(read);
        return accepted;
    }

    private static bool Reads(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (Exception e) when (e is InvalidDataException or TtrpcException)
        {
            Holds(e.Message.Length > 0, "a refusal without a reason");
            return false;
        }
    }

    private static byte[] Frame(uint stream, byte[] payload) => TtrpcFrame.Encode(
        stream, FrameType.Request,
        new TtrpcRequest("containerd.task.v2.Task", "Create", payload, TimeSpan.FromSeconds(5)).Write(("key", "value")).Written);

    private static byte[] Create() => new WireWriter().Text(1, "c1").Text(2, "/run/b")
        .Message(3, new WireWriter().Text(1, "overlay").Text(2, "overlay").Text(4, "lowerdir=/a:/b").Text(4, "ro"))
        .Flag(4, true).Text(5, "/in").Text(6, "/out").Text(7, "/err").Text(8, "/images")
        .Bytes(10, Any(1, "containerd.runc.v1.Options", Options())).Written.ToArray();

    private static byte[] Exec() => new WireWriter().Text(1, "c1").Text(2, "e1").Flag(3, true).Text(4, "/in").Text(5, "/out")
        .Text(6, "/err").Bytes(7, Any(1, "types.containerd.io/x/Process", "{\"args\":[\"a\"]}"u8)).Written.ToArray();

    private static byte[] Small() => new WireWriter().Text(1, "c1").Text(2, "e1").Number(3, 9).Number(4, 1).Written.ToArray();

    private static byte[] Options() =>
        new WireWriter().Flag(1, true).Text(6, "runc").Text(7, "/run/runc").Text(8, "criu").Text(11, "/w").Written.ToArray();

    private static byte[] Any(int field, string type, ReadOnlySpan<byte> value) => field == 1
        ? new WireWriter().Text(1, type).Bytes(2, value).Written.ToArray()
        : new WireWriter().Text(1, "c1").Text(2, "/path").Bytes(field, Any(1, type, value)).Written.ToArray();
}
