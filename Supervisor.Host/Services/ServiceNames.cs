using System.Collections.Frozen;

namespace Supervisor.Host.Services;

/// <summary>Full names of the proto services that this daemon serves.</summary>
public static class ServiceNames
{
    /// <summary>Each as in the path of its calls.</summary>
    public static FrozenSet<string> Served { get; } = new[]
    {
        "containerd.services.containers.v1.Containers",
        "containerd.services.tasks.v1.Tasks",
        "containerd.services.events.v1.Events",
        "containerd.services.version.v1.Version",
        "containerd.services.introspection.v1.Introspection",
        "containerd.services.namespaces.v1.Namespaces",
        "containerd.services.leases.v1.Leases",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "supervisor.v1.Tasks",
    }.ToFrozenSet(StringComparer.Ordinal);
}
