using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Hooks;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Namespaces;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.Resources;
using Supervisor.Runtime.Rootfs;
using Supervisor.Runtime.Seccomp;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>Creates a container step by step; when a step fails, the earlier ones are undone in reverse order.</summary>
internal sealed class ContainerCreation(ContainerHost host, ContainerRequest request)
{
    private const long TypicalMinimumMemory = 6 << 20; // docker refuses less before it tries; we try

    private static readonly TimeSpan UndoTimeout = TimeSpan.FromSeconds(10);
    private readonly Stack<Action> _undo = new();

    /// <summary>Creates it with an init that waits for its start.</summary>
    public Container Run(CancellationToken deadline) => Run((spec, rootfs, cgroup, stdio) =>
    {
        var init = Launch(spec, rootfs, cgroup, stdio, deadline);
        _undo.Push(init.End);
        stdio.Connect(host.Relay, init.Terminal);
        return new Container(
            host, request.OwnsBundle ? request.Bundle : null, cgroup, init.Process, new HeldStart(init), stdio,
            new CreateHooks(spec, request));
    });

    /// <summary>Creates it with restored processes, which run.</summary>
    public Container Restore(CheckpointOptions options, CancellationToken deadline) => Run((spec, rootfs, cgroup, stdio) =>
    {
        _undo.Push(() => cgroup.KillAll(UndoTimeout));
        var hooks = new CreateHooks(spec, request);
        var (init, terminal) = new ContainerRestore(host, request, spec, rootfs, cgroup, hooks, options).Run(stdio, deadline);
        _undo.Push(init.End);
        stdio.Connect(host.Relay, terminal);
        return new Container(host, request.OwnsBundle ? request.Bundle : null, cgroup, init, HeldStart.Past, stdio, hooks);
    });

    private Container Run(Func<Spec, string, Cgroup, ProcessStdio, Container> spawn)
    {
        var spec = Read(request.Spec.Span);
        try
        {
            if (request.OwnsBundle)
            {
                Bundle.Create(request.Bundle, request.Spec.Span);
                _undo.Push(() => Bundle.Remove(request.Bundle));
            }
            Bundle.CheckNullDevice();
            var rootfs = Rootfs(spec);

            if (request.RecordsCgroup)
                Bundle.WriteIntendedCgroup(request.Bundle, CgroupLimits.DirectoriesOf(host.Hierarchies, CgroupsPath(spec)));
            if (spec.Hooks?.Poststop is { Count: > 0 } poststop)
                _undo.Push(() => HookRunner.RunAll(
                    "poststop", poststop, new CreateHooks(spec, request).State("stopped", 0), host.OnError,
                    CancellationToken.None));
            foreach (var ignored in SpecValidator.Ignored(spec).Except(SpecValidator.IgnoredCapabilities(spec))) Warn(ignored);
            foreach (var refused in IdentitySteps.RefusedAmbient(spec.Process!)) Warn(refused);
            var cgroup = MakeCgroup(spec);
            _undo.Push(() => cgroup.Delete(UndoTimeout, host.Parents));
            if (request.RecordsCgroup && cgroup.Paths.Count > 0) Bundle.KeepIntendedCgroup(request.Bundle);
            var user = spec.Process!.User;
            var stdio = ProcessStdio.Open(
                request.Stdio, Outside(spec.Linux?.UidMappings, user.Uid), Outside(spec.Linux?.GidMappings, user.Gid),
                host.OnError);
            _undo.Push(stdio.Dispose);
            var container = spawn(spec, rootfs, cgroup, stdio);
            return container;
        }
        catch
        {
            foreach (var undo in _undo) Try(undo);
            throw;
        }
    }

    private HeldInit Launch(Spec spec, string rootfs, Cgroup cgroup, ProcessStdio stdio, CancellationToken deadline)
    {
        var open = new List<IDisposable>();
        var sockets = StreamSocket.Pair.Create();
        var linux = spec.Linux ?? new LinuxSpec();
        LaunchTrace? trace = null;
        try
        {
            open.Add(sockets.Theirs);
            trace = request.Trace is { } path ? LaunchTrace.Open(path) : null;
            var stub = InitStub.Open();
            open.Add(stub);
            var tasks = cgroup.OpenTasksFiles();
            open.AddRange(tasks);
            var v2 = cgroup.OpenV2Directory();
            if (v2 is not null) open.Add(v2);
            var namespaces = NamespacePlan.Of(linux, open);
            var makesUser = namespaces.Makes(CloneFlags.CLONE_NEWUSER);
            var hooks = new CreateHooks(spec, request);
            LaunchPauses? pauses = null;
            if (makesUser || hooks.Any || linux.NetDevices.Count > 0 || linux.TimeOffsets.Count > 0
                || spec.Mounts.Any(m => MountOptions.Parse(m.Options).CopyUp)) open.Add(pauses = new LaunchPauses());
            var filter = linux.Seccomp is { } profile ? SeccompFilter.Compile(profile) : null;
            Fd? listener = null;
            PidPage? page = null;
            if (namespaces.Joins(NamespaceKind.Pid)) open.Add(page = new PidPage());
            if (filter is { Listens: true }) open.Add(listener = SeccompListener.Connect(linux.Seccomp!.ListenerPath!));
            var program = InitProgram.Compile(new ContainerPlan
            {
                Spec = spec,
                Rootfs = rootfs,
                RootMounts = request.RootMounts,
                Bundle = request.Bundle,
                Socket = sockets.Theirs,
                Stub = stub,
                Stdio = stdio.ForChild,
                CgroupTasks = tasks,
                IsPureV2 = cgroup.IsPureV2,
                CgroupPaths = cgroup.Paths,
                Namespaces = namespaces,
                Pauses = pauses,
                WriteIdMaps = makesUser ? (pid, stop) => IdMaps.Write(pid, linux.UidMappings, linux.GidMappings, stop) : null,
                // Before the hooks, which may configure the devices, and before the devices' sysctls.
                Hooks = hooks.Any || linux.NetDevices.Count > 0 ? (pid, stop) =>
                {
                    NetDevices.Move(linux.NetDevices, pid);
                    hooks.Run(pid, stop);
                } : null,
                MaySetGroups = IdMaps.MaySetGroups(makesUser ? linux.GidMappings : null),
                PreopenedMounts = PreopenedMounts.Make(
                    spec, request.Bundle, rootfs, namespaces.OtherUser, () =>
                    ContainerUser(linux, namespaces, open, deadline), open, deadline),
                PreopenedDevices = PreopenedDevices.Make(linux, namespaces.OtherUser, open),
                Starter = request.StartSocket?.Listener,
                NoPivot = request.NoPivot,
                Seccomp = filter,
                Listener = listener,
                Inherited = request.Inherited,
                Page = page,
                Keyring = request.NewKeyring ? $"_ses.{request.Id}" : null,
            });
            if (trace is not null) program.FirstHalf.Trace();
            return HeldInit.Launch(
                program.FirstHalf, page is null ? null : (program.Entry!, page), program.NestedPid, pid =>
                    Late(program, spec, hooks, pid), program.Namespaces, v2, sockets,
                request.Stdio.Terminal, pauses, trace, deadline);
        }
        catch (Exception e)
        {
            sockets.Ours.Dispose();
            trace?.Dispose();
            if (e is LaunchException failure && IsTooSmall(linux.Resources?.Memory?.Limit, failure))
                throw new InvalidSpecException(
                    "linux.resources.memory.limit",
                    $"{linux.Resources!.Memory!.Limit} bytes is too little memory to start a process, "
                    + $"{TypicalMinimumMemory} (6 MiB) is enough for a small one: {failure.Message}", e);
            throw;
        }
        finally
        {
            foreach (var one in open) one.Dispose();
            // a CLONE_VM child's setuid may have changed it
            if (linux.Namespaces.Any(n => n.Type is NamespaceKind.User)) ProcessHardening.Apply();
        }
    }

    /// <summary>The steps that need the pid: the state for hooks and the seccomp listener, and the start socket.</summary>
    private LaunchProgram Late(InitProgram init, Spec spec, CreateHooks hooks, int pid)
    {
        var half = init.SecondHalf;
        var program = (half with
        {
            IsTraced = request.Trace is not null,
            State = half.StartHooks.Count > 0 ? hooks.StateInside("created", pid).ToJson() : [],
            Listener = half.Listener is { } listener
                ? listener with { State = SeccompListener.StateOf(spec.Linux!.Seccomp!, hooks.State("creating", pid)) } : null,
        }).Compile();
        request.StartSocket?.Describe(program, init.Entry);
        return program;
    }

    private void Warn(UnsupportedField ignored) => host.OnError(new NotSupportedException($"container {request.Id}: {ignored}"));

    // The kernel reports a cgroup out of memory in several ways: a new socket gets ENFILE, and a process that touches a page is
    // killed.
    private static bool IsTooSmall(long? limit, LaunchException failure) =>
        limit is > 0 and < TypicalMinimumMemory && failure.Errno is Errno.ENOMEM or Errno.ENFILE or Errno.ENOBUFS or Errno.None;

    private static Fd? ContainerUser(
        LinuxSpec linux, NamespacePlan namespaces, List<IDisposable> open, CancellationToken deadline)
    {
        if (namespaces.Joins(NamespaceKind.User)) return namespaces.Joined.First(j => j.Type is NamespaceKind.User).Namespace;
        if (!namespaces.Makes(CloneFlags.CLONE_NEWUSER)) return null;
        var user = UserNamespaces.Create(linux.UidMappings, linux.GidMappings, deadline);
        open.Add(user);
        return user;
    }

    private Spec Read(ReadOnlySpan<byte> json)
    {
        var spec = request.Parsed ?? SpecReader.Read(json);
        SpecValidator.Validate(spec);
        LabelSteps.Check(spec.Process!, "process.", spec.Linux?.MountLabel);
        MemoryPolicySteps.Check(spec.Linux?.MemoryPolicy);
        if (SpecValidator.Unsupported(spec) is [var first, ..])
            throw new InvalidSpecException(first.Field, first.Reason + " by this version");
        // The task's own setting wins: containerd's clients set both, docker may set only this one.
        return spec with { Process = spec.Process! with { Terminal = request.Stdio.Terminal } };
    }

    private string Rootfs(Spec spec)
    {
        if (request.RootMounts.Count > 0) return Path.Join(request.Bundle, "rootfs");
        var path = Path.GetFullPath(spec.Root?.Path ?? "rootfs", request.Bundle);
        return Directory.Exists(path) ? path : throw new InvalidSpecException("root.path", $"\"{path}\" is not a directory");
    }

    /// <summary>Without rights over cgroups there is none, unless the spec has limits: as with rootless runc.</summary>
    private Cgroup MakeCgroup(Spec spec)
    {
        try
        {
            return CgroupLimits.Create(host.Hierarchies, CgroupsPath(spec), spec.Linux?.Resources, Warn, host.Parents);
        }
        catch (CgroupException e) when (
            e.Errno is Errno.EACCES or Errno.EPERM or Errno.EROFS && IdMaps.InUserNamespace
            && !CgroupLimits.Any(spec.Linux?.Resources))
        {
            return Cgroup.Open(new Dictionary<string, string>());
        }
    }

    private static uint Outside(IReadOnlyList<IdMappingSpec>? maps, uint id) =>
        maps is not { Count: > 0 } ? id : IdMaps.Outside(maps, id) ?? uint.MaxValue; // -1: not changed. chown(2)

    private string CgroupsPath(Spec spec) => spec.Linux?.CgroupsPath is { Length: > 0 } path ? path : request.DefaultCgroup;

    /// <summary>A step that cannot be undone must not stop the others: the caller needs the first failure.</summary>
    private static void Try(Action undo)
    {
        try
        {
            undo();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or TimeoutException)
        {
        }
    }
}
