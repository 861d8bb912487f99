using Supervisor.Kernel.Launch;

namespace Supervisor.Kernel.Containers;

/// <summary>Descriptors of ours from 3 on that the processes of containers get, under the same numbers.</summary>
public static class PassedOn
{
    /// <summary>For a process that makes one container or one exec, before it does.</summary>
    /// <param name="count">How many; they are open, and not close-on-exec.</param>
    public static void Set(int count) => InitStub.PassOn(count);
}
