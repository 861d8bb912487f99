using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Launch;
using Supervisor.Kernel.Oci;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Stdio;

namespace Supervisor.Kernel.Containers;

/// <summary>Makes another process in a live container; of one that fails nothing is left.</summary>
internal sealed class ExecCreation(ContainerHost host, Cgroup cgroup, Pidfd init, int initPid, ExecRequest request)
{
    private static readonly (string Name, CloneFlags Flag)[] Kinds =
    [
        ("user", CloneFlags.CLONE_NEWUSER), ("cgroup", CloneFlags.CLONE_NEWCGROUP), ("ipc", CloneFlags.CLONE_NEWIPC),
        ("uts", CloneFlags.CLONE_NEWUTS), ("net", CloneFlags.CLONE_NEWNET), ("pid", CloneFlags.CLONE_NEWPID),
        ("mnt", CloneFlags.CLONE_NEWNS), ("time", CloneFlags.CLONE_NEWTIME),
    ];

    public ExecProcess Run(CancellationToken deadline)
    {
        var process = Read();
        var stdio = ProcessStdio.Open(request.Stdio, process.User.Uid, process.User.Gid);
        HeldInit? held = null;
        try
        {
            held = Launch(process, stdio, deadline);
            stdio.Connect(host, held.Terminal);
            return new ExecProcess(host, held, stdio);
        }
        catch
        {
            held?.End();
            stdio.Dispose();
            throw;
        }
    }

    private ProcessSpec Read()
    {
        var process = SpecReader.ReadProcess(request.Process.Span);
        SpecValidator.Validate(process);
        var spec = new Spec { Process = process, Linux = new LinuxSpec { Namespaces = [new NamespaceSpec { Type = NamespaceKind.Mount }] } };
        if (SpecValidator.Unsupported(spec) is [var first, ..]) throw new InvalidSpecException(first.Field, first.Reason + " by this version");
        return process with { Terminal = request.Stdio.Terminal };
    }

    private HeldInit Launch(ProcessSpec process, ProcessStdio stdio, CancellationToken deadline)
    {
        var open = new List<IDisposable>();
        var sockets = StreamSocket.Pair.Create();
        var lent = false;
        try
        {
            open.Add(sockets.Theirs);
            init.DangerousAddRef(ref lent); // the number stays ours to the end of the launch, whoever disposes the container meanwhile
            var v2 = cgroup.OpenV2Directory();
            if (v2 is not null) open.Add(v2);
            var procs = v2 is null ? cgroup.OpenProcsFiles() : [];
            open.AddRange(procs);
            var program = ExecProgram.Compile(new ExecPlan(process, init, Differing(), procs, stdio.ForChild, sockets.Theirs, request.SessionKeyring));
            var born = Launcher.LaunchNested(program.FirstHalf, program.Pid, v2, deadline);
            return HeldInit.Take(born, "exec", program.SecondHalf, sockets, process.Terminal, deadline);
        }
        catch
        {
            sockets.Ours.Dispose();
            throw;
        }
        finally
        {
            foreach (var one in open) one.Dispose();
            if (lent) init.DangerousRelease();
        }
    }

    /// <summary>The kinds of namespaces that the init does not share with us. Entering one's own is refused for some kinds. setns(2).</summary>
    private CloneFlags Differing()
    {
        var differing = CloneFlags.None;
        foreach (var (name, flag) in Kinds)
        {
            if (Link("self") is not { } ours) continue; // this kernel has no such kind
            if (Link($"{initPid}") is not { } theirs) throw Ended();
            if (ours != theirs) differing |= flag;

            string? Link(string process) => new FileInfo($"/proc/{process}/ns/{name}").LinkTarget;
        }
        // Looked at by pid, so it counts only if the pid was the init's all the while.
        return init.WaitForExit(TimeSpan.Zero) ? throw Ended() : differing;
    }

    private static InvalidOperationException Ended() => new("the container's init has ended: nothing can run in there any more");
}
