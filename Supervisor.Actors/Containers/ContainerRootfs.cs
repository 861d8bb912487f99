using System.Collections.Immutable;
using Google.Protobuf;
using Supervisor.Actors.Tasks;
using Supervisor.V1;

namespace Supervisor.Actors.Containers;

/// <summary>The mounts that a container's record holds for the root filesystem of its tasks.</summary>
public static class ContainerRootfs
{
    /// <summary>The extension's name.</summary>
    public const string Extension = "supervisor.io/rootfs";

    /// <summary>Empty where the record holds none.</summary>
    /// <exception cref="InvalidProtocolBufferException">The extension holds something else.</exception>
    public static ImmutableArray<RootfsMount> Of(ContainerRecord record) =>
        record.Extensions.TryGetValue(Extension, out var packed)
            ? [.. packed.Unpack<Rootfs>().Mounts.Select(m => new RootfsMount(m.Type, m.Source, m.Target, [.. m.Options]))]
            : [];
}
