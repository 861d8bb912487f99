using System.Collections.Immutable;
using System.Text;
using Supervisor.Actors.Tasks;

namespace Supervisor.Tests.Actors.Tasks;

/// <summary>The document of a machine that has a process: what each command does in each state.</summary>
/// <param name="introduction">The text above the tables, with its heading.</param>
internal sealed class MachineDocument<TState, TCommand, TEvent, TEffect>(
    string introduction, IReadOnlyList<(string Name, TState State)> states,
    IReadOnlyList<(string Name, TCommand Command)> commands,
    Func<TState, TCommand, Decision<TEvent, TEffect>> decide, Func<TState, TEvent, TState> apply,
    Func<TState, ImmutableArray<TEffect>> recover)
    where TState : notnull where TEvent : notnull where TEffect : notnull
{
    public string Render()
    {
        var text = new StringBuilder(introduction.ReplaceLineEndings("\n"));
        foreach (var (name, state) in states)
        {
            text.Append($"## {name}\n");
            var effects = recover(state);
            text.Append($"After our restart: {(effects.IsEmpty ? "nothing" : $"*{Names(effects)}*")}.\n\n");
            text.Append("| command | then |\n| --- | --- |\n");
            foreach (var (commandName, command) in commands)
                text.Append($"| {commandName} | {Cell(state, decide(state, command))} |\n");
            text.Append('\n');
        }
        return text.ToString();
    }

    private string Cell(TState state, Decision<TEvent, TEffect> decision)
    {
        var parts = new List<string>();
        if (decision.Events.Length > 0)
            parts.Add($"{Names(decision.Events)} → {Name(decision.Events.Aggregate(state, apply))}");
        if (decision.Effects.Length > 0) parts.Add($"*{Names(decision.Effects)}*");
        if (decision.Refusal is { } refusal) parts.Add($"{refusal.Code}: {refusal.Message}");
        return parts.Count == 0 ? "–" : string.Join("; ", parts);
    }

    private static string Names<T>(ImmutableArray<T> all) where T : notnull => string.Join(", ", all.Select(one => Name(one)));

    private static string Name(object o) => o.GetType().Name;
}
