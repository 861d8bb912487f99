using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Mounts;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Namespaces;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.Rootfs;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// Restores processes from images. criu runs in the container's cgroup, and in a mount namespace in which the root
/// filesystem is mounted where only criu sees it; the init that it makes is our child (rst_sibling).
/// </summary>
internal sealed class ContainerRestore(
    ContainerHost host, ContainerRequest request, Spec spec, string rootfs, Cgroup cgroup, CreateHooks hooks,
        CheckpointOptions options)
{
    private const string What = "restore", LogName = "restore.log";

    /// <returns>The init, and its terminal's master where it has one.</returns>
    public (LaunchedProcess Init, Fd? Terminal) Run(ProcessStdio stdio, CancellationToken deadline)
    {
        if (!Directory.Exists(options.ImageDirectory))
            throw new CheckpointException(
                What, $"\"{options.ImageDirectory}\" is not a directory: no checkpoint was written there", null);
        using var images = CriuOptions.OpenDirectory(options.ImageDirectory, make: false);
        CriuOptions.OpenDirectory(options.LogDirectory, make: true).Dispose();
        var log = Path.Join(options.LogDirectory, LogName);
        File.Delete(log); // a failure must not show another's errors
        var (keys, open) = Inherited(stdio);
        using var outer = OuterNetwork();
        if (outer is not null)
        {
            keys.Add(ContainerCheckpoint.OuterNetwork);
            open.Add(outer);
        }
        var tasks = cgroup.OpenTasksFiles();
        using var v2 = cgroup.OpenV2Directory();
        using var sockets = StreamSocket.Pair.Create();
        try
        {
            var (session, numbers) = CriuSession.Start(
                What, options.Criu, open, [sockets.Theirs.Number, .. tasks.Select(t => t.Number)],
                (program, slots) => Prepare(program, slots, tasks, sockets.Theirs), CloneFlags.CLONE_NEWNS, v2, deadline);
            using (session)
            using (var work = sockets.Ours.ReceiveDescriptor(stackalloc byte[1], deadline)
                ?? throw new CheckpointException(What, "criu's launcher sent no descriptor of its working directory", log))
                return Exchange(session, Request(images, work, keys, numbers), log, deadline);
        }
        finally
        {
            foreach (var one in tasks) one.Dispose();
        }
    }

    private (LaunchedProcess Init, Fd? Terminal) Exchange(
        CriuSession session, CriuMessage message, string log, CancellationToken deadline)
    {
        Fd? terminal = null;
        Pidfd? init = null; // opened when criu first reports it: it is our child, and we must reap it in any case
        try
        {
            var pid = session.Run(What, CriuSession.Restore, message, question =>
            {
                if (question.Pid > 0) init ??= Pidfd.TryOpen(question.Pid);
                foreach (var one in question.Descriptors)
                {
                    if (question.Script is "orphan-pts-master" && terminal is null) terminal = one;
                    else one.Dispose();
                }
                if (question.Script is "setup-namespaces") hooks.RunOutside(question.Pid, deadline);
            }, log, deadline);
            init ??= Pidfd.TryOpen(pid)
                ?? throw CheckpointException.Of(What, $"the restored init (process {pid}) exited at once", log);
            if (request.Stdio.Terminal && terminal is null)
                throw new CheckpointException(What, "the request has a terminal, but the checkpointed container had none", log);
            if (!request.Stdio.Terminal)
            {
                terminal?.Dispose();
                terminal = null;
            }
            return (new LaunchedProcess(pid, init), terminal);
        }
        catch
        {
            terminal?.Dispose();
            session.Kill();
            using (init)
            {
                init?.TrySignal(Signal.SIGKILL);
                if (init?.WaitForExit(TimeSpan.FromSeconds(5)) == true) init.TryReap();
            }
            throw;
        }
    }

    /// <summary>
    /// Steps before criu's exec: join the container's cgroup, so that the restored processes are in it, and mount its root.
    /// </summary>
    /// <remarks>
    /// criu mounts in its working directory, which it opens through our descriptor: so that must be of its mount namespace.
    /// </remarks>
    private void Prepare(LaunchProgram program, FdSlots slots, IReadOnlyList<Fd> tasks, Fd socket)
    {
        foreach (var file in tasks)
            program.Add(Syscall.write, "the cgroup's tasks", file.Number, program.Text("0"), 1).AtLeast(1);
        var plan = new ContainerPlan
        {
            Spec = spec, Rootfs = rootfs, RootMounts = request.RootMounts, Bundle = request.Bundle, Socket = socket, Stdio = [],
            Namespaces = new NamespacePlan(CloneFlags.CLONE_NEWNS, []),
        };
        RootfsSteps.Enter(program, plan);
        MakeMountPoints(program, slots, plan);
        // Our mounts must not propagate to the host. Slave, not private: a root that was a slave when checkpointed takes its
        // master from this one.
        program.Add(Syscall.mount, "/ (slave)", 0, program.Text("/"), 0, (long)(MountFlags.MS_REC | MountFlags.MS_SLAVE), 0);
        var work = slots.Take();
        FdSlots.Keep(program,
            program.Add(Syscall.openat, options.LogDirectory, At.FDCWD, program.Text(Path.GetFullPath(options.LogDirectory)),
            (OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC).ToKernel(), 0), work);
        TerminalSteps.Send(program, socket.Number, work, "criu's working directory");
    }

    /// <summary>
    /// A new root filesystem has no mount points yet, and criu makes none. A mount point inside another mount is in the images,
    /// or at that mount's source.
    /// </summary>
    private void MakeMountPoints(LaunchProgram program, FdSlots slots, ContainerPlan plan)
    {
        var root = slots.Take();
        RootfsSteps.Open(program, plan, root);
        var tree = new RootTree(program, root);
        var points = spec.Mounts.Select(m => m.Destination.TrimEnd('/')).ToList();
        for (var i = 0; i < points.Count; i++)
        {
            var point = points[i];
            if (point.Length == 0 || points.Take(i).Any(p => MountLine.IsBelow(point, p.Length == 0 ? "/" : p))) continue;
            var (mount, options) = (spec.Mounts[i], MountOptions.Parse(spec.Mounts[i].Options));
            if ((options.Bind || mount.Type is "bind") && File.Exists(Path.GetFullPath(mount.Source ?? "", request.Bundle)))
                tree.MakeFile(point);
            else tree.MakeDirectories(point);
        }
    }

    private CriuMessage Request(Fd images, Fd work, List<string> keys, IReadOnlyList<int> numbers)
    {
        var message = CriuOptions.Common(options, images, work, LogName)
            .Add(CriuOptions.Root, rootfs == "/" ? request.Bundle : rootfs).Add(CriuOptions.RestoreSibling, true)
                .Add(CriuOptions.NotifyScripts, true)
            .Add(CriuOptions.LsmProfile, options.LsmProfile).Add(CriuOptions.LsmMountContext, options.LsmMountContext);
        foreach (var (point, source) in ExternalMounts.Read(options.ImageDirectory, spec, request.Bundle, cgroup))
            message.Add(CriuOptions.External, $"mnt[{point}]:{source}");
        for (var i = 0; i < keys.Count; i++)
            message.Add(CriuOptions.InheritFd, new CriuMessage().Add(1, keys[i]).Add(2, numbers[i]));
        if (cgroup.IsPureV2) return message;
        foreach (var tree in host.Hierarchies.All)
            foreach (var key in tree.Version == 2 ? [Cgroup.V2Key] : tree.Controllers)
                if (cgroup.Paths.TryGetValue(key, out var path))
                    message.Add(CriuOptions.CgroupRoot, new CriuMessage().Add(1, key)
                        .Add(2, tree.MountRoot.TrimEnd('/') + path[tree.MountPoint.Length..]));
        return message;
    }

    /// <summary>
    /// The streams, keyed by the names of those that they replace. Two with one name are one pipe or file: the first is used.
    /// </summary>
    private (List<string> Keys, List<Fd> Open) Inherited(ProcessStdio stdio)
    {
        var (keys, open) = (new List<string>(), new List<Fd>());
        if (request.Stdio.Terminal) return (keys, open);
        var streams = CheckpointedStreams.Read(options.ImageDirectory);
        for (var i = 0; i < stdio.ForChild.Count; i++)
        {
            if (!CheckpointedStreams.IsReplaceable(streams[i]) || keys.Contains(streams[i])) continue;
            keys.Add(streams[i]);
            open.Add(stdio.ForChild[i]);
        }
        return (keys, open);
    }

    private Fd? OuterNetwork()
    {
        var network = spec.Linux?.Namespaces.FirstOrDefault(
            n => n.Type is NamespaceKind.Network && !string.IsNullOrEmpty(n.Path));
        if (network is null) return null;
        var fd = Fd.TryOpen(network.Path!, OpenFlags.O_RDONLY)
            ?? throw new InvalidSpecException("linux.namespaces", $"\"{network.Path}\" does not exist");
        if (!NamespaceFile.IsOurs(fd, NamespaceKind.Network)) return fd;
        fd.Dispose();
        return null;
    }
}
