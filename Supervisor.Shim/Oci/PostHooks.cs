using Supervisor.Runtime.Hooks;
using Supervisor.Runtime.Oci;

namespace Supervisor.Shim.Oci;

/// <summary>The hooks that run after the start and after the end, where another process made the container.</summary>
internal static class PostHooks
{
    /// <exception cref="HookException">One failed.</exception>
    public static void AfterStart(ContainerState state, int pid, CancellationToken deadline)
    {
        if (state.Spec.Hooks?.Poststart is { Count: > 0 } hooks)
            HookRunner.Run("poststart", hooks, Told(state, "running", pid), deadline);
    }

    /// <summary>Failures are told, no more.</summary>
    public static void AfterEnd(ContainerState state, CancellationToken deadline)
    {
        if (state.Spec.Hooks?.Poststop is { Count: > 0 } hooks)
            HookRunner.RunAll("poststop", hooks, Told(state, "stopped", 0), e => Log.Warning(e.Message), deadline);
    }

    private static Runtime.Oci.ContainerState Told(ContainerState state, string status, int pid) =>
        new(state.Spec.OciVersion, state.Id, status, pid, state.Bundle, state.Spec.Annotations);
}
