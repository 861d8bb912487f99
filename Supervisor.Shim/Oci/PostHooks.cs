using Supervisor.Runtime.Hooks;

namespace Supervisor.Shim.Oci;

/// <summary>The hooks that run after start and after exit, for a container that another process created.</summary>
internal static class PostHooks
{
    /// <exception cref="HookException">One failed.</exception>
    public static void AfterStart(ContainerState state, int pid, CancellationToken deadline)
    {
        if (state.Spec.Hooks?.Poststart is { Count: > 0 } hooks)
            HookRunner.Run("poststart", hooks, StateOf(state, "running", pid), deadline);
    }

    /// <summary>Failures are only logged.</summary>
    public static void AfterEnd(ContainerState state, CancellationToken deadline)
    {
        if (state.Spec.Hooks?.Poststop is { Count: > 0 } hooks)
            HookRunner.RunAll("poststop", hooks, StateOf(state, "stopped", 0), e => Log.Warning(e.Message), deadline);
    }

    private static Runtime.Oci.ContainerState StateOf(ContainerState state, string status, int pid) =>
        new(state.Spec.OciVersion, state.Id, status, pid, state.Bundle, state.Spec.Annotations);
}
