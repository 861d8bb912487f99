using Google.Protobuf.WellKnownTypes;

namespace Supervisor.Client;

/// <summary>What a container is made of besides its spec.</summary>
public sealed record ContainerOptions
{
    /// <summary>Any; up to 4096 bytes for key and value together.</summary>
    public IDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Name of the runtime. A Supervisor daemon takes containerd's name for runc, and runs no runc.</summary>
    public string Runtime { get; init; } = "io.containerd.runc.v2";

    /// <summary>Options of the runtime, e.g. <c>containerd.runc.v1.Options</c>; null for none.</summary>
    public Any? RuntimeOptions { get; init; }

    /// <summary>Name of the image, for information; empty for none.</summary>
    public string Image { get; init; } = "";

    /// <summary>Which snapshotter has the root file system, e.g. overlayfs; empty: <c>root.path</c> of the spec.</summary>
    public string Snapshotter { get; init; } = "";

    /// <summary>Key of the snapshot, which must exist; empty for none.</summary>
    public string SnapshotKey { get; init; } = "";
}
