using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Namespaces;
using Supervisor.Kernel.Oci;

namespace Supervisor.Kernel.Checkpointing;

/// <summary>Writes a container to images.</summary>
internal static class ContainerCheckpoint
{
    /// <summary>Key of a network namespace that is not the container's own, in runc's word.</summary>
    public const string OuterNetwork = "extRootNetNS";

    /// <param name="pid">Of the init, which the caller holds.</param>
    /// <param name="joinsNetwork">Its network namespace was joined by a path.</param>
    /// <inheritdoc cref="Containers.Container.Checkpoint"/>
    public static void Run(int pid, Cgroup cgroup, bool joinsNetwork, CheckpointOptions options, CancellationToken deadline)
    {
        var what = options.PreDump ? "pre-dump" : "checkpoint";
        const string log = "dump.log";
        using var images = CriuOptions.OpenDirectory(options.ImageDirectory, make: true);
        using var work = CriuOptions.OpenDirectory(options.LogDirectory, make: true);
        File.Delete(Path.Join(options.LogDirectory, log)); // a failure must not show another's errors
        var wasFrozen = cgroup.IsFrozen;
        var streams = CheckpointedStreams.Of(pid);
        var external = ExternalMounts.Of(pid, cgroup);
        var request = CriuOptions.Common(options, images, work, log)
            .Add(CriuOptions.Pid, pid).Add(CriuOptions.LeaveRunning, options.LeaveRunning || options.PreDump)
            .Add(CriuOptions.ParentImages, options.ParentDirectory).Add(CriuOptions.TrackMemory, options.PreDump || options.ParentDirectory is not null);
        if (cgroup.FreezerDirectory is { } freezer) request.Add(CriuOptions.FreezeCgroup, freezer);
        foreach (var point in external.Keys) request.Add(CriuOptions.External, $"mnt[{point}]:{point}");
        foreach (var stream in streams.Where(CheckpointedStreams.IsExternalFile).Distinct()) request.Add(CriuOptions.External, stream);
        if (joinsNetwork && NamespaceFile.ForeignInode(pid, "net") is { } network) request.Add(CriuOptions.External, $"net[{network}]:{OuterNetwork}");
        if (!options.PreDump)
        {
            CheckpointedStreams.Write(options.ImageDirectory, streams);
            ExternalMounts.Write(options.ImageDirectory, external);
        }
        var (session, _) = CriuSession.Start(what, options.Criu, [], [], null, Abi.CloneFlags.None, null, deadline);
        using (session)
        {
            try
            {
                session.Run(what, options.PreDump ? CriuSession.PreDump : CriuSession.Dump, request, null, Path.Join(options.LogDirectory, log), deadline);
            }
            catch
            {
                session.Kill();
                if (!wasFrozen && cgroup.IsFrozen) cgroup.Thaw(TimeSpan.FromSeconds(10)); // one that is killed leaves it frozen
                throw;
            }
        }
    }
}
