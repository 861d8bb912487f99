using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Tasks;

/// <summary>Where tasks and execs publish how they stand, for calls that only look. Each writes its own entry.</summary>
public interface ITaskDirectory
{
    /// <summary>A task's state, into the entry of its container; nothing where there is no such container.</summary>
    void Publish(ContainerId id, TaskView task);

    /// <summary>An exec's state.</summary>
    /// <param name="exec">Null when it is gone.</param>
    void Publish(ContainerId id, string execId, ExecView? exec);

    /// <summary>The journal cannot tell any more what the container was.</summary>
    /// <param name="damage">What is wrong with its journal.</param>
    void Lose(ContainerId id, string damage);
}
