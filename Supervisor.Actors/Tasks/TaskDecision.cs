using System.Collections.Immutable;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Tasks;

/// <summary>When the caller of a command gets its reply.</summary>
public enum AnswerWhen
{
    /// <summary>As soon as the events are journalled; a refusal at once.</summary>
    Recorded,

    /// <summary>When the effect of this command has finished.</summary>
    EffectEnded,

    /// <summary>When the task has left its pending state.</summary>
    Settled,
}

/// <summary>What follows from a command.</summary>
/// <param name="Events">To be journalled, in order, before anything else.</param>
/// <param name="Effects">To be carried out after that.</param>
/// <param name="Refusal">For the caller, or, from a report, for the callers that wait for the task to settle; null if
/// none.</param>
public sealed record TaskDecision(
    ImmutableArray<TaskEvent> Events, ImmutableArray<TaskEffect> Effects, Refusal? Refusal = null,
        AnswerWhen Answer = AnswerWhen.Recorded)
{
    /// <summary>Nothing changes.</summary>
    public static TaskDecision Nothing { get; } = new([], []);

    /// <summary>The task is pending afterwards, and the caller waits until it has settled.</summary>
    public static TaskDecision Begin(TaskEvent @event, params ImmutableArray<TaskEffect> effects) =>
        new([@event], effects, null, AnswerWhen.Settled);

    /// <summary>It happened.</summary>
    public static TaskDecision Record(params ImmutableArray<TaskEvent> events) => new(events, []);

    /// <summary>Nothing is journalled until the effect has reported.</summary>
    public static TaskDecision Do(TaskEffect effect) => new([], [effect], null, AnswerWhen.EffectEnded);

    /// <summary>The command is refused.</summary>
    public static TaskDecision Refuse(RefusalCode code, string message) => new([], [], new Refusal(code, message));

    /// <inheritdoc/>
    public bool Equals(TaskDecision? other) =>
        other is not null && Events.SequenceEqual(other.Events) && Effects.SequenceEqual(other.Effects)
            && Refusal == other.Refusal && Answer == other.Answer;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Events.Length, Effects.Length, Refusal, Answer);
}
