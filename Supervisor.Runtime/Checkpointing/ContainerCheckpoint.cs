using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Namespaces;

namespace Supervisor.Runtime.Checkpointing;

/// <summary>Writes a container to images.</summary>
internal static class ContainerCheckpoint
{
    /// <summary>Key of a network namespace that is not the container's own, as runc names it.</summary>
    public const string OuterNetwork = "extRootNetNS";

    /// <summary>
    /// Seconds that criu may take to stop the processes, for each attempt. A process in vfork(2) cannot be stopped before its
    /// child's exec. That is usually soon, but not while criu waits, because the child is stopped already.
    /// </summary>
    private static readonly int[] Patience = [1, 3, 10];

    /// <param name="pid">The init's; the caller holds its pidfd.</param>
    /// <param name="joinsNetwork">Its network namespace was joined by a path.</param>
    /// <exception cref="CheckpointException">criu failed; the message has the errors of criu's log. The container keeps
    /// running.</exception>
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
            .Add(CriuOptions.ParentImages, options.ParentDirectory)
                .Add(CriuOptions.TrackMemory, options.PreDump || options.ParentDirectory is not null);
        if (cgroup.FreezerDirectory is { } freezer) request.Add(CriuOptions.FreezeCgroup, freezer);
        foreach (var point in external.Keys) request.Add(CriuOptions.External, $"mnt[{point}]:{point}");
        foreach (var stream in streams.Where(CheckpointedStreams.IsExternalFile).Distinct())
            request.Add(CriuOptions.External, stream);
        if (joinsNetwork && NamespaceFile.ForeignInode(pid, "net") is { } network)
            request.Add(CriuOptions.External, $"net[{network}]:{OuterNetwork}");
        if (!options.PreDump)
        {
            CheckpointedStreams.Write(options.ImageDirectory, streams);
            ExternalMounts.Write(options.ImageDirectory, external);
        }
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                Dump(request.Add(CriuOptions.Timeout, Patience[attempt])); // the last value of a repeated field wins
                return;
            }
            catch (CheckpointException e) when (e.NotStopped && attempt + 1 < Patience.Length)
            {
                Thread.Sleep(100); // all processes run again
            }
        }

        void Dump(CriuMessage request)
        {
            var (session, _) = CriuSession.Start(what, options.Criu, [], [], null, Kernel.Abi.CloneFlags.None, null, deadline);
            using (session)
            {
                try
                {
                    session.Run(what, options.PreDump
                        ? CriuSession.PreDump : CriuSession.Dump, request, null, Path.Join(options.LogDirectory, log), deadline);
                }
                catch
                {
                    session.Kill();
                    // a killed criu leaves it frozen
                    if (!wasFrozen && cgroup.IsFrozen) cgroup.Thaw(TimeSpan.FromSeconds(10));
                    throw;
                }
            }
        }
    }
}
