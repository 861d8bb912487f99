using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Tasks;

/// <summary>Where tasks and execs publish their state, for read-only calls. Each writes its own entry.</summary>
public interface ITaskDirectory
{
    /// <summary>A task's state, into the entry of its container; does nothing if there is no such container.</summary>
    void Publish(ContainerId id, TaskView task);

    /// <summary>An exec's state.</summary>
    /// <param name="exec">Null when it is gone.</param>
    void Publish(ContainerId id, string execId, ExecView? exec);

    /// <summary>The container cannot be recovered from the journal.</summary>
    /// <param name="damage">What is wrong with its journal.</param>
    void MarkDamaged(ContainerId id, string damage);
}
