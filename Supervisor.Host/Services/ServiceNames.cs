using System.Collections.Frozen;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Supervisor.Host.Services;

/// <summary>The proto services that the daemon serves: for reflection and the health service.</summary>
public static class ServiceNames
{
    /// <summary>Their descriptors.</summary>
    public static IReadOnlyList<ServiceDescriptor> Descriptors { get; } =
    [
        Containerd.Services.Containers.V1.Containers.Descriptor,
        Containerd.Services.Tasks.V1.Tasks.Descriptor,
        Containerd.Services.Events.V1.Events.Descriptor,
        Containerd.Services.Version.V1.Version.Descriptor,
        Containerd.Services.Introspection.V1.Introspection.Descriptor,
        Containerd.Services.Namespaces.V1.Namespaces.Descriptor,
        Containerd.Services.Leases.V1.Leases.Descriptor,
        Containerd.Services.Images.V1.Images.Descriptor,
        Containerd.Services.Content.V1.Content.Descriptor,
        Containerd.Services.Snapshots.V1.Snapshots.Descriptor,
        Containerd.Services.Diff.V1.Diff.Descriptor,
        Containerd.Services.Streaming.V1.Streaming.Descriptor,
        Containerd.Services.Transfer.V1.Transfer.Descriptor,
        Grpc.Health.V1.Health.Descriptor,
        Grpc.Reflection.V1.ServerReflection.Descriptor,
        Grpc.Reflection.V1Alpha.ServerReflection.Descriptor,
        Supervisor.V1.Tasks.Descriptor,
        Supervisor.V1.Events.Descriptor,
        Supervisor.V1.Files.Descriptor,
    ];

    /// <summary>Their full names.</summary>
    public static FrozenSet<string> Served { get; } = Descriptors.Select(d => d.FullName).ToFrozenSet(StringComparer.Ordinal);
}
