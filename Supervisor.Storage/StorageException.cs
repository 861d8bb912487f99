namespace Supervisor.Storage;

/// <summary>What kind of refusal a <see cref="StorageException"/> is. The names are gRPC's.</summary>
public enum StorageFault
{
    /// <summary>The input is wrong: a digest, a tar that escapes its root, a media type.</summary>
    InvalidArgument,

    /// <summary>There is no such blob, ingest or directory.</summary>
    NotFound,

    /// <summary>It exists already.</summary>
    AlreadyExists,

    /// <summary>The data does not match the expected size or digest.</summary>
    FailedPrecondition,

    /// <summary>An offset out of range.</summary>
    OutOfRange,

    /// <summary>Another writer holds it, or the workers are busy: retry.</summary>
    Unavailable,

    /// <summary>Larger than the configuration or the disk allows.</summary>
    ResourceExhausted,

    /// <summary>The work did not finish in time.</summary>
    DeadlineExceeded,

    /// <summary>Not supported.</summary>
    Unimplemented,
}

/// <summary>A storage request was refused: a kind for programs and a sentence for people.</summary>
public sealed class StorageException(StorageFault fault, string message) : Exception(message)
{
    /// <summary>The kind.</summary>
    public StorageFault Fault { get; } = fault;
}
