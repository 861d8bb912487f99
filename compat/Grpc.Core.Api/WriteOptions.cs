namespace Grpc.Core;

/// <summary>Flags of one message write.</summary>
[Flags]
public enum WriteFlags
{
    /// <summary>The message need not be sent before the next one or the end of the stream.</summary>
    BufferHint = 0x1,

    /// <summary>Do not compress this message even if the call has a compression.</summary>
    NoCompress = 0x2,
}

/// <summary>Options of message writes.</summary>
public class WriteOptions(WriteFlags flags = default)
{
    public static readonly WriteOptions Default = new();
    public WriteFlags Flags { get; } = flags;
}
