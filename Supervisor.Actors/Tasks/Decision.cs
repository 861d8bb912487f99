using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Tasks;

/// <summary>When the caller of a command gets its reply.</summary>
public enum AnswerWhen
{
    /// <summary>As soon as the events are journalled; a refusal at once.</summary>
    Recorded,

    /// <summary>When the effect of this command has finished.</summary>
    EffectEnded,

    /// <summary>When the task or exec has left its pending state.</summary>
    Settled,
}

/// <summary>What follows from a command to a task or an exec.</summary>
/// <param name="Events">To be journalled, in order, before anything else.</param>
/// <param name="Effects">To be carried out after that.</param>
/// <param name="Refusal">For the caller, or, from a report, for the callers that wait for it to settle; null if none.</param>
[SuppressMessage("Design", "CA1000", Justification = "A machine uses them by a static using of its own decisions.")]
public sealed record Decision<TEvent, TEffect>(
    ImmutableArray<TEvent> Events, ImmutableArray<TEffect> Effects, Refusal? Refusal = null,
        AnswerWhen Answer = AnswerWhen.Recorded)
{
    /// <summary>Nothing changes.</summary>
    public static Decision<TEvent, TEffect> Nothing { get; } = new([], []);

    /// <summary>It is pending afterwards, and the caller waits until it has settled.</summary>
    public static Decision<TEvent, TEffect> Begin(TEvent @event, params ImmutableArray<TEffect> effects) =>
        new([@event], effects, null, AnswerWhen.Settled);

    /// <summary>It happened.</summary>
    public static Decision<TEvent, TEffect> Record(params ImmutableArray<TEvent> events) => new(events, []);

    /// <summary>Nothing is journalled until the effect has reported.</summary>
    public static Decision<TEvent, TEffect> Do(TEffect effect) => new([], [effect], null, AnswerWhen.EffectEnded);

    /// <summary>The command is refused.</summary>
    public static Decision<TEvent, TEffect> Refuse(RefusalCode code, string message) => new([], [], new Refusal(code, message));
}
