namespace Supervisor.Client.Errors;

/// <summary>Why a call failed. The numbers are gRPC's (grpc/doc/statuscodes.md).</summary>
public enum ErrorCode
{
    /// <summary>The call has not failed; never in an exception.</summary>
    None = 0,

    /// <summary>The server cancelled the call.</summary>
    Canceled = 1,

    /// <summary>The server gave no other code.</summary>
    Unknown = 2,

    /// <summary>An argument is wrong; the message names it.</summary>
    InvalidArgument = 3,

    /// <summary>There was no answer in time: whether the call was carried out is not known.</summary>
    DeadlineExceeded = 4,

    /// <summary>There is no such container, task or process.</summary>
    NotFound = 5,

    /// <summary>The id is in use.</summary>
    AlreadyExists = 6,

    /// <summary>This user may not do it, or may not open the socket.</summary>
    PermissionDenied = 7,

    /// <summary>Memory, disk or another limit is exhausted.</summary>
    ResourceExhausted = 8,

    /// <summary>Not in this state, e.g. deleting a task that runs, or attaching to one that has a reader.</summary>
    FailedPrecondition = 9,

    /// <summary>Another call interfered; it may be repeated.</summary>
    Aborted = 10,

    /// <summary>A number is outside of what there is, e.g. of the kept events.</summary>
    OutOfRange = 11,

    /// <summary>The server does not know the call, e.g. one of <see cref="SupervisorCalls"/> on containerd.</summary>
    Unimplemented = 12,

    /// <summary>The server's own error.</summary>
    Internal = 13,

    /// <summary>No server answers, or it stopped during the call.</summary>
    Unavailable = 14,

    /// <summary>Data of the server is lost or damaged.</summary>
    DataLoss = 15,

    /// <summary>The server does not know who calls.</summary>
    Unauthenticated = 16,
}
