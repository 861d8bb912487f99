using System.Collections.Immutable;
using Supervisor.Actors.Identity;

namespace Supervisor.Actors.Tasks;

/// <summary>What follows from a command to an exec.</summary>
/// <param name="Events">To be journalled, in order, before anything else.</param>
/// <param name="Effects">To be carried out after that.</param>
/// <param name="Refusal">For the caller, or, from a report, for the callers that wait for the exec to settle; null if
/// none.</param>
public sealed record ExecDecision(
    ImmutableArray<ExecEvent> Events, ImmutableArray<ExecEffect> Effects, Refusal? Refusal = null,
        AnswerWhen Answer = AnswerWhen.Recorded)
{
    /// <summary>Nothing changes.</summary>
    public static ExecDecision Nothing { get; } = new([], []);

    /// <summary>It happened.</summary>
    public static ExecDecision Record(params ImmutableArray<ExecEvent> events) => new(events, []);

    /// <summary>The command is refused.</summary>
    public static ExecDecision Refuse(RefusalCode code, string message) => new([], [], new Refusal(code, message));
}
