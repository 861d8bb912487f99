using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Namespaces;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Namespaces;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.Seccomp;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>Spawns a process in a live container; a failure leaves nothing behind.</summary>
internal sealed class ExecCreation(ContainerHost host, Cgroup cgroup, Pidfd init, int initPid, Spec? spec, ExecRequest request)
{
    public ExecProcess Run(CancellationToken deadline)
    {
        var process = Read();
        var stdio = ProcessStdio.Open(request.Stdio, process.User.Uid, process.User.Gid, host.OnError);
        HeldInit? held = null;
        try
        {
            held = Launch(process, stdio, deadline);
            stdio.Connect(host.Relay, held.Terminal);
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
        LabelSteps.Check(process, "", null);
        return process with {
            Terminal = request.Stdio.Terminal, ExecCPUAffinity = process.ExecCPUAffinity ?? spec?.Process?.ExecCPUAffinity };
    }

    private HeldInit Launch(ProcessSpec process, ProcessStdio stdio, CancellationToken deadline)
    {
        var open = new List<IDisposable>();
        var sockets = StreamSocket.Pair.Create();
        var referenced = false;
        try
        {
            open.Add(sockets.Theirs);
            var stub = InitStub.Open();
            open.Add(stub);
            // keeps the descriptor open until the launch is done, even if the container is disposed meanwhile
            init.DangerousAddRef(ref referenced);
            var v2 = cgroup.OpenV2Directory();
            if (v2 is not null) open.Add(v2);
            var tasks = cgroup.OpenTasksFiles();
            open.AddRange(tasks);
            var namespaces = Differing();
            var seccomp = spec?.Linux?.Seccomp;
            Fd? listener = null;
            var page = new PidPage();
            open.Add(page);
            var filter = seccomp is null ? null : SeccompFilter.Compile(seccomp);
            if (filter is { Listens: true }) open.Add(listener = SeccompListener.Connect(seccomp!.ListenerPath!));
            var otherUser = (namespaces & CloneFlags.CLONE_NEWUSER) != 0;
            var program = ExecProgram.Compile(
                new ExecPlan(process, init, namespaces, tasks, stdio.ForChild, sockets.Theirs, stub, page)
            {
                Inherited = request.Inherited,
                Linux = spec?.Linux,
                Seccomp = filter,
                Listener = listener,
                HasRoot = !otherUser
                    || KernelFile.Read($"/proc/{initPid}/uid_map").Split('\n')
                    .Any(l => l.TrimStart().StartsWith("0 ", StringComparison.Ordinal)),
                MaySetGroups = otherUser
                    ? !KernelFile.Read($"/proc/{initPid}/setgroups").StartsWith("deny", StringComparison.Ordinal)
                    : IdMaps.MaySetGroups(null),
            });
            var child = StubClone.Run(program.Launch, program.Entry, page, sockets, v2, "exec", deadline);
            var half = program.SecondHalf;
            if (half.Listener is { } l)
                half = half with { Listener = l with {
                    State = SeccompListener.StateOf(
                    seccomp!, new ContainerState("1.2.0", "", "running", child.Pid, "", new Dictionary<string, string>())) } };
            return HeldInit.Take(child, "exec", half.Compile(), sockets, process.Terminal, deadline, program.Entry);
        }
        catch
        {
            sockets.Ours.Dispose();
            throw;
        }
        finally
        {
            foreach (var one in open) one.Dispose();
            if (referenced) init.DangerousRelease();
        }
    }

    private CloneFlags Differing()
    {
        var differing = ProcessNamespaces.Differing(initPid);
        // Read by pid, so it is valid only if the init has not exited since.
        return init.WaitForExit(TimeSpan.Zero) ? throw ProcessNamespaces.InitExited() : differing;
    }
}
