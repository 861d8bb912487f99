using System.Collections.Immutable;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Tasks;

/// <summary>A machine that has a process, as its shell (<see cref="ProcessActor{S,C,E,F}"/>) uses it.</summary>
/// <param name="Kind">What it is the machine of: a task, or an exec.</param>
/// <param name="ExitOf">The exit of the process; null before it.</param>
/// <param name="TopicOf">Null for an event that is not published.</param>
/// <param name="IsAdoption">Whether the effect adopts a process of the previous daemon. It is repeated until it succeeds.</param>
internal sealed record ProcessMachine<TState, TCommand, TEvent, TEffect>(
    string Kind, Func<TState, TCommand, Decision<TEvent, TEffect>> Decide, Func<TState, TEvent, TState> Apply,
    Func<TState, ImmutableArray<TEffect>> Recover, Func<TState, TaskExit?> ExitOf, Func<TEvent, string?> TopicOf,
    Func<TEffect, bool> IsAdoption);

/// <summary>The state in which there is no task or exec.</summary>
public interface IAbsent;

/// <summary>States that an effect in flight will end.</summary>
public interface IPending;

/// <summary>The report that an effect failed, and has undone what it had done.</summary>
public interface IEffectFailed<out TEffect>
{
    /// <summary>Which.</summary>
    TEffect Effect { get; }

    /// <summary>Why.</summary>
    Refusal Reason { get; }
}
