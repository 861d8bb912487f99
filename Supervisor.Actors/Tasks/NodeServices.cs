using Akka.Actor;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Tasks;

/// <summary>What the actors of one node share: each other's references, and nothing with locks.</summary>
/// <param name="State">Directory for what does not outlive the boot: bundles.</param>
public sealed record NodeServices(
    IActorRef KernelPool, IActorRef Reaper, IActorRef EventPublisher, ITaskDirectory Directory, Readiness Readiness,
        TimeProvider Clock, string State)
{
    /// <summary>
    /// Marks a container that cannot be recovered from the journal: nothing waits for it, and its processes are left alone.
    /// </summary>
    internal void MarkDamaged(ContainerId id, DamagedEventsException damage)
    {
        Directory.MarkDamaged(id, damage.Message);
        Readiness.ContainerRecovered(id);
        Readiness.TaskRecovered(id);
    }

    /// <summary>A container's bundle.</summary>
    public string BundleOf(ContainerId id) => Path.Join(State, "bundles", id.Namespace, id.Value);
}
