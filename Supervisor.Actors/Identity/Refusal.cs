namespace Supervisor.Actors.Identity;

/// <summary>Why a command is refused. The names and meanings are gRPC's status codes.</summary>
public enum RefusalCode
{
    /// <summary>A field of the request is wrong; the message names it.</summary>
    InvalidArgument,

    /// <summary>There is no such container, task, lease or namespace.</summary>
    NotFound,

    /// <summary>The id is taken.</summary>
    AlreadyExists,

    /// <summary>Not possible in this state.</summary>
    FailedPrecondition,

    /// <summary>A system call failed, or the daemon has a bug; the message says which call on what.</summary>
    Unknown,

    /// <summary>The kernel did not answer within the deadline: the call may still happen.</summary>
    DeadlineExceeded,

    /// <summary>A resource is exhausted.</summary>
    ResourceExhausted,

    /// <summary>The journal is damaged.</summary>
    DataLoss,

    /// <summary>The daemon is starting or stopping.</summary>
    Unavailable,
}

/// <summary>A command that was not carried out: a code for programs and a sentence for people.</summary>
public sealed record Refusal(RefusalCode Code, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Code}: {Message}";
}

/// <summary>Invalid input, refused before it reaches an actor.</summary>
/// <param name="field">The field of the request, in its wire spelling, e.g. <c>container.id</c>.</param>
/// <param name="reason">What is wrong with it, without the field's name.</param>
public sealed class InvalidFieldException(string field, string reason) : ArgumentException($"{field}: {reason}")
{
    /// <summary>The field, in its wire spelling.</summary>
    public string Field { get; } = field;
}
