using Supervisor.Kernel.Hooks;
using Supervisor.Kernel.Oci;

namespace Supervisor.Shim.Oci;

/// <summary>The hooks that run after the start and after the end, where another process made the container. Their failures are told, no more.</summary>
internal static class PostHooks
{
    public static void Run(string point, ContainerState state, string status, int pid, CancellationToken deadline)
    {
        IReadOnlyList<HookSpec> hooks = (point is "poststart" ? state.Spec.Hooks?.Poststart : state.Spec.Hooks?.Poststop) ?? [];
        if (hooks.Count == 0) return;
        var told = new Kernel.Hooks.ContainerState(state.Spec.OciVersion, state.Id, status, pid, state.Bundle, state.Spec.Annotations);
        HookRunner.RunAll(point, hooks, told, e => Log.Warning(e.Message), deadline);
    }
}
