namespace Supervisor.Storage;

/// <summary>What kind of refusal a <see cref="StorageException"/> is. The names are gRPC's.</summary>
public enum StorageFault
{
    /// <summary>The input is wrong: a digest, a tar that climbs out, a media type.</summary>
    InvalidArgument,

    /// <summary>There is no such blob, ingest or directory.</summary>
    NotFound,

    /// <summary>It is there already.</summary>
    AlreadyExists,

    /// <summary>What came does not match what was announced.</summary>
    FailedPrecondition,

    /// <summary>An offset outside of what is there.</summary>
    OutOfRange,

    /// <summary>Another writer holds it, or the workers are busy: worth another try.</summary>
    Unavailable,

    /// <summary>Larger than what the configuration or the disk allows.</summary>
    ResourceExhausted,

    /// <summary>The work did not end in time.</summary>
    DeadlineExceeded,

    /// <summary>Not served here.</summary>
    Unimplemented,
}

/// <summary>Storage refuses: a kind for programs and a sentence for people.</summary>
public sealed class StorageException(StorageFault fault, string message) : Exception(message)
{
    /// <summary>The kind.</summary>
    public StorageFault Fault { get; } = fault;
}
