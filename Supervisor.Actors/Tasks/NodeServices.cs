using Akka.Actor;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Tasks;

/// <summary>What the actors of one node share: each other's addresses, and nothing that locks.</summary>
/// <param name="State">Directory for what lives no longer than the boot: bundles.</param>
public sealed record NodeServices(
    IActorRef KernelPool, IActorRef Reaper, IActorRef EventPublisher, ITaskDirectory Directory, Readiness Readiness,
        TimeProvider Clock, string State)
{
    /// <summary>
    /// A container of which the journal cannot tell what it was: nothing waits for it, and its processes are left alone.
    /// </summary>
    internal void Lose(ContainerId id, DamagedEventsException damage)
    {
        Directory.Lose(id, damage.Message);
        Readiness.ContainerRecovered(id);
        Readiness.TaskRecovered(id);
    }

    /// <summary>Where a container's bundle is.</summary>
    public string BundleOf(ContainerId id) => Path.Join(State, "bundles", id.Namespace, id.Value);
}
