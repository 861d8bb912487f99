using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Oci;

namespace Supervisor.Shim.Oci;

/// <summary><c>kill</c>: sends a signal to the init, or to every process.</summary>
internal static class KillVerb
{
    public static readonly Verb Verb = new("kill", "ID [SIGNAL]", "send a signal (default: TERM) to the container's init",
        [Flag.Switch("all a", "to every process of the container")], 1, 2, Run);

    private static int Run(Invocation invocation)
    {
        var said = invocation.Arguments.Rest.Count > 1 ? invocation.Arguments.Rest[1] : "SIGTERM";
        var signal = SignalNames.TryParse(said) ?? throw new OciException($"unknown signal \"{said}\"");
        using var live = LiveContainer.Open(invocation.Store, invocation.Id);
        // Without its own pid namespace the kernel does not kill the other processes when the init exits.
        var ownPids = live.State.Spec.Linux?.Namespaces.Any(n => n.Type is NamespaceKind.Pid && string.IsNullOrEmpty(n.Path))
            ?? false;
        if (invocation.Arguments.IsSet("all") || (!ownPids && signal == (int)Signal.SIGKILL))
        {
            var any = live.Cgroup.SignalAll(signal);
            if (!any && !invocation.Arguments.IsSet("all")) throw new OciException("container not running");
            return 0;
        }
        if (!live.Running().Signal(signal)) throw new OciException("container not running");
        return 0;
    }
}
