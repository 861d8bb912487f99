namespace Supervisor.Registry;

/// <summary>What kind of failure a <see cref="RegistryException"/> is. The names are gRPC's.</summary>
public enum RegistryFault
{
    /// <summary>The name of an image, a configuration file or an answer of a registry is wrong.</summary>
    InvalidArgument,

    /// <summary>The registry has no such repository, tag or blob.</summary>
    NotFound,

    /// <summary>The registry wants credentials, or does not accept these.</summary>
    Unauthenticated,

    /// <summary>The credentials do not allow it.</summary>
    PermissionDenied,

    /// <summary>The bytes do not match their digest or size.</summary>
    DataLoss,

    /// <summary>Larger than the limits allow.</summary>
    ResourceExhausted,

    /// <summary>No registry could be reached, or it failed, after the last retry.</summary>
    Unavailable,

    /// <summary>The image has nothing for this platform, or no host of this registry has the capability.</summary>
    FailedPrecondition,
}

/// <summary>A request to a registry failed: a kind for programs and a sentence for people.</summary>
public sealed class RegistryException : Exception
{
    /// <summary>Makes one.</summary>
    public RegistryException(RegistryFault fault, string message, Exception? cause = null)
        : base(message, cause) => Fault = fault;

    /// <summary>The kind.</summary>
    public RegistryFault Fault { get; }
}
