using Google.Protobuf.Reflection;

namespace Supervisor.Protos;

/// <summary>
/// Every file of messages. Google.Protobuf builds a file's descriptor when it is first asked for, and while doing so writes
/// into dictionaries of the files that it imports, without a lock (seen in 3.36.2: IndexOutOfRangeException in a static
/// constructor, which breaks the type for the rest of the process). So they are all built here, on one thread, before others
/// can ask.
/// </summary>
public static class Descriptors
{
    private static readonly Lazy<FileDescriptor[]> All = new(() =>
    [
        Containerd.Events.EventsReflection.Descriptor,
        Containerd.Runc.V1.RuncOptionsReflection.Descriptor,
        Containerd.Services.Containers.V1.ContainersReflection.Descriptor,
        Containerd.Services.Content.V1.ContentReflection.Descriptor,
        Containerd.Services.Diff.V1.DiffReflection.Descriptor,
        Containerd.Services.Events.V1.EventsReflection.Descriptor,
        Containerd.Services.Images.V1.ImagesReflection.Descriptor,
        Containerd.Services.Introspection.V1.IntrospectionReflection.Descriptor,
        Containerd.Services.Leases.V1.LeasesReflection.Descriptor,
        Containerd.Services.Namespaces.V1.NamespacesReflection.Descriptor,
        Containerd.Services.Snapshots.V1.SnapshotsReflection.Descriptor,
        Containerd.Services.Streaming.V1.StreamingReflection.Descriptor,
        Containerd.Services.Tasks.V1.TasksReflection.Descriptor,
        Containerd.Services.Transfer.V1.TransferReflection.Descriptor,
        Containerd.Services.Version.V1.VersionReflection.Descriptor,
        Containerd.Types.Transfer.TransferReflection.Descriptor,
        Containerd.Types.TypesReflection.Descriptor,
        Containerd.V1.Services.Shim.ShimReflection.Descriptor,
        Containerd.V1.Services.Shim.Types.TypesReflection.Descriptor,
        Containerd.V1.Types.TaskReflection.Descriptor,
        Io.Containerd.Cgroups.V1.V1Reflection.Descriptor,
        Io.Containerd.Cgroups.V2.V2Reflection.Descriptor,
        Supervisor.Journal.V1.ContainerReflection.Descriptor,
        Supervisor.Journal.V1.EventsReflection.Descriptor,
        Supervisor.Journal.V1.ExecReflection.Descriptor,
        Supervisor.Journal.V1.LeasesReflection.Descriptor,
        Supervisor.Journal.V1.MetadataReflection.Descriptor,
        Supervisor.Journal.V1.NamespacesReflection.Descriptor,
        Supervisor.Journal.V1.TaskReflection.Descriptor,
        Supervisor.V1.EventsReflection.Descriptor,
        Supervisor.V1.FilesReflection.Descriptor,
        Supervisor.V1.RootfsReflection.Descriptor,
        Supervisor.V1.TasksReflection.Descriptor,
    ]);

    /// <summary>Builds them, once; a second caller waits for the first.</summary>
    public static IReadOnlyList<FileDescriptor> Load() => All.Value;
}
