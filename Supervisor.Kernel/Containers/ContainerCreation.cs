using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Launch;
using Supervisor.Kernel.Oci;
using Supervisor.Kernel.Stdio;

namespace Supervisor.Kernel.Containers;

/// <summary>Makes a container, step by step; what was made is undone, last first, when a step fails.</summary>
internal sealed class ContainerCreation(ContainerHost host, ContainerRequest request)
{
    private static readonly TimeSpan UndoTimeout = TimeSpan.FromSeconds(10);
    private readonly Stack<Action> _undo = new();

    public Container Run(CancellationToken deadline)
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

            if (request.OwnsBundle) Bundle.WriteIntendedCgroup(request.Bundle, host.Hierarchies.DirectoriesOf(CgroupsPath(spec)));
            var cgroup = Cgroup.Create(host.Hierarchies, CgroupsPath(spec), spec.Linux?.Resources);
            _undo.Push(() => cgroup.Delete(UndoTimeout));
            if (request.OwnsBundle) Bundle.WriteCgroup(request.Bundle, cgroup.Paths);
            var stdio = ProcessStdio.Open(request.Stdio, spec.Process!.User.Uid, spec.Process.User.Gid);
            _undo.Push(stdio.Dispose);
            var init = Launch(spec, rootfs, cgroup, stdio, deadline);
            _undo.Push(init.End);
            stdio.Connect(host.Relay, init.Terminal);
            host.Note(cgroup.CreatedParents);
            return new Container(host, request.OwnsBundle ? request.Bundle : null, cgroup, init, stdio);
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
        try
        {
            open.Add(sockets.Theirs);
            var procs = cgroup.OpenProcsFiles();
            open.AddRange(procs);
            var v2 = cgroup.OpenV2Directory();
            if (v2 is not null) open.Add(v2);
            var joined = OpenJoined(spec, open);
            var program = InitProgram.Compile(new ContainerPlan
            {
                Spec = spec,
                Rootfs = rootfs,
                RootMounts = request.RootMounts,
                Bundle = request.Bundle,
                Socket = sockets.Theirs,
                Stdio = stdio.ForChild,
                CgroupProcs = v2 is null ? procs : [],
                BornInCgroup = v2 is not null,
                CgroupPaths = cgroup.Paths,
                Joined = joined,
            });
            return HeldInit.Launch(program.FirstHalf, program.SecondHalf, program.Namespaces, v2, sockets, request.Stdio.Terminal, deadline);
        }
        catch
        {
            sockets.Ours.Dispose();
            throw;
        }
        finally
        {
            foreach (var one in open) one.Dispose();
        }
    }

    private Spec Read(ReadOnlySpan<byte> json)
    {
        var spec = SpecReader.Read(json);
        SpecValidator.Validate(spec);
        if (SpecValidator.Unsupported(spec) is [var first, ..]) throw new InvalidSpecException(first.Field, first.Reason + " by this version");
        // The task's own word counts: containerd's clients say it twice, and docker may say it only here.
        return spec with { Process = spec.Process! with { Terminal = request.Stdio.Terminal } };
    }

    private string Rootfs(Spec spec)
    {
        if (request.RootMounts.Count > 0) return Path.Join(request.Bundle, "rootfs");
        var path = Path.GetFullPath(spec.Root?.Path ?? "rootfs", request.Bundle);
        return Directory.Exists(path) ? path : throw new InvalidSpecException("root.path", $"\"{path}\" is not a directory");
    }

    private string CgroupsPath(Spec spec) => spec.Linux?.CgroupsPath is { Length: > 0 } path ? path : request.DefaultCgroup;

    private static List<(string, Fd)> OpenJoined(Spec spec, List<IDisposable> open)
    {
        var joined = new List<(string, Fd)>();
        for (var i = 0; i < (spec.Linux?.Namespaces.Count ?? 0); i++)
        {
            var wanted = spec.Linux!.Namespaces[i];
            if (string.IsNullOrEmpty(wanted.Path)) continue;
            if (wanted.Type is NamespaceKind.Pid or NamespaceKind.Mount)
                throw new InvalidSpecException($"linux.namespaces[{i}].path", $"joining a {wanted.Type} namespace is not supported by this version");
            var fd = Fd.TryOpen(wanted.Path, OpenFlags.O_RDONLY)
                ?? throw new InvalidSpecException($"linux.namespaces[{i}].path", $"\"{wanted.Path}\" does not exist");
            open.Add(fd);
            joined.Add((wanted.Type, fd));
        }
        return joined;
    }

    /// <summary>One thing that cannot be undone must not keep the others: the first failure is the one worth telling.</summary>
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
