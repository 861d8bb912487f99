using Grpc.Core;
using Supervisor.Actors.Identity;

namespace Supervisor.Host.Services;

/// <summary>The parts of a call besides its message.</summary>
public static class CallContext
{
    private const string NamespaceHeader = "containerd-namespace";

    /// <summary>How long an actor may take if the caller sets no deadline.</summary>
    public static readonly TimeSpan DefaultPatience = TimeSpan.FromMinutes(2);

    /// <summary>The namespace that the header names.</summary>
    /// <exception cref="RpcException">FAILED_PRECONDITION: the header is missing.</exception>
    /// <exception cref="InvalidFieldException">It is not an identifier.</exception>
    public static string RequireNamespace(this ServerCallContext context) =>
        context.TryGetNamespace() is { Length: > 0 } name
            ? Identifier.Check(name, NamespaceHeader)
            : throw GrpcTranslation.Refuse(StatusCode.FailedPrecondition, "namespace is required: failed precondition");

    /// <summary>The namespace that the header names, or null.</summary>
    public static string? TryGetNamespace(this ServerCallContext context) => context.RequestHeaders.GetValue(NamespaceHeader);

    /// <summary>The container that a field of the request names, in the header's namespace.</summary>
    public static ContainerId ContainerId(this ServerCallContext context, string id, string field) =>
        Actors.Identity.ContainerId.Parse(context.RequireNamespace(), id, field);

    /// <summary>Until the caller's deadline; <see cref="DefaultPatience"/> without one.</summary>
    public static TimeSpan TimeLeft(this ServerCallContext context, TimeProvider clock)
    {
        if (context.Deadline == DateTime.MaxValue) return DefaultPatience;
        var left = context.Deadline - clock.GetUtcNow().UtcDateTime;
        return left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1);
    }
}
