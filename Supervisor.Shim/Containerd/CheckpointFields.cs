using Supervisor.Runtime.Checkpointing;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Shim.Containerd;

/// <summary>The options of a checkpoint: containerd.runc.v1.CheckpointOptions.</summary>
internal static class CheckpointFields
{
    private const string Name = "containerd.runc.v1.CheckpointOptions";

    /// <exception cref="TtrpcException">The request names no directory, or its options are of another type.</exception>
    public static CheckpointOptions Read(CheckpointRequest request, string criu)
    {
        var read = new CheckpointOptions
        {
            ImageDirectory = request.Path, LeaveRunning = true, Criu = criu.Length > 0 ? criu : CheckpointOptions.DefaultCriu,
        };
        if (request.Options.Value.Length > 0 && request.Options.TypeName != Name)
            throw new TtrpcException(
                StatusCode.InvalidArgument, $"options: a {request.Options.TypeUrl}: only {Name} is understood");
        for (var reader = new WireReader(request.Options.Value); reader.Next();)
            read = reader.Field switch
            {
                1 => read with { LeaveRunning = !reader.Flag },
                2 => read with { TcpEstablished = reader.Flag },
                3 => read with { ExternalUnixSockets = reader.Flag },
                4 => read with { ShellJob = reader.Flag },
                5 => read with { FileLocks = reader.Flag },
                6 => read with { EmptyNamespaces = [.. read.EmptyNamespaces, reader.Text] },
                7 when reader.Text.Length > 0 => read with { ManageCgroups = reader.Text },
                8 when reader.Text.Length > 0 => read with { ImageDirectory = reader.Text },
                9 when reader.Text.Length > 0 => read with { WorkDirectory = reader.Text },
                10 when reader.Text.Length > 0 => read with { ParentDirectory = reader.Text },
                _ => read,
            };
        if (!Path.IsPathRooted(read.ImageDirectory))
            throw new TtrpcException(StatusCode.InvalidArgument, $"path: \"{read.ImageDirectory}\" is not an absolute directory");
        return read;
    }
}
