using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Hooks;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>One container's hooks, and the state that they get.</summary>
internal sealed class CreateHooks(Spec spec, ContainerRequest request)
{
    private readonly HooksSpec _hooks = spec.Hooks ?? new HooksSpec();

    /// <summary>Whether any runs before the change of root.</summary>
    public bool Any => _hooks is { Prestart.Count: > 0 } or { CreateRuntime.Count: > 0 } or { CreateContainer.Count: > 0 };

    /// <summary>The hooks that run after the start.</summary>
    public IReadOnlyList<HookSpec> Poststart => _hooks.Poststart;

    /// <summary>The hooks that run after the container is removed.</summary>
    public IReadOnlyList<HookSpec> Poststop => _hooks.Poststop;

    public Spec Spec => spec;

    /// <summary>The state as we see it.</summary>
    public ContainerState State(string status, int pid) =>
        new(spec.OciVersion, request.Id, status, pid, request.Bundle, spec.Annotations);

    /// <summary>The state as the container sees it: with the pid of its own pid namespace.</summary>
    public ContainerState StateInside(string status, int pid) => State(status, PidInside(pid));

    /// <summary>
    /// Runs prestart, createRuntime and createContainer while the init waits, after its namespaces and mounts are made.
    /// </summary>
    /// <exception cref="HookException">One failed; those after it have not run.</exception>
    public void Run(int pid, CancellationToken deadline)
    {
        RunOutside(pid, deadline);
        if (_hooks.CreateContainer.Count == 0) return;
        using var init = Pidfd.TryOpen(pid) ?? throw new SyscallException("pidfd_open", Errno.ESRCH);
        // A CLONE_VM child cannot enter a time namespace, and the init has not entered its own yet.
        var namespaces = Kernel.Namespaces.ProcessNamespaces.Differing(pid) & ~CloneFlags.CLONE_NEWTIME;
        HookRunner.RunInside(
            "createContainer", _hooks.CreateContainer, StateInside("creating", pid), init, namespaces, Rootfs, deadline);
    }

    private string Rootfs =>
        request.RootMounts.Count > 0
        ? Path.Join(request.Bundle, "rootfs") : Path.GetFullPath(spec.Root?.Path ?? "rootfs", request.Bundle);

    /// <summary>Runs those of them that run in our namespaces: prestart and createRuntime.</summary>
    public void RunOutside(int pid, CancellationToken deadline)
    {
        // the specification's status for hooks from before createRuntime existed
        HookRunner.Run("prestart", _hooks.Prestart, State("created", pid), deadline);
        HookRunner.Run("createRuntime", _hooks.CreateRuntime, State("creating", pid), deadline);
    }

    /// <summary>NSpid in proc_pid_status(5): our number first, the innermost last.</summary>
    private static int PidInside(int pid)
    {
        var line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(l => l.StartsWith("NSpid:", StringComparison.Ordinal));
        return line is null ? pid : int.Parse(line.Split((char[])['\t', ' '], StringSplitOptions.RemoveEmptyEntries)[^1]);
    }
}
