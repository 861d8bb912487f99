using System.Text.RegularExpressions;
using Supervisor.Cli.Errors;
using Supervisor.V1;

namespace Supervisor.Cli.Running;

/// <summary>
/// Which events are printed: docker's <c>KEY=VALUE</c>, one of the values of each key; and of containerd's filters any, which the
/// daemon applies.
/// </summary>
internal sealed partial class EventFilter
{
    private static readonly string[] Keys = ["container", "event", "type"];
    private readonly ILookup<string, string> _values;

    private EventFilter(IReadOnlyList<string> containerd, ILookup<string, string> values) =>
        (Containerd, _values) = (containerd, values);

    /// <summary>Those for the daemon.</summary>
    public IReadOnlyList<string> Containerd { get; }

    /// <exception cref="CliException">A key is not one of ours; the message says why.</exception>
    public static EventFilter Parse(IReadOnlyList<string> filters)
    {
        var own = filters.Select(f => Docker().Match(f)).Where(m => m.Success)
            .Select(m => (Key: m.Groups["key"].Value, Value: m.Groups["value"].Value)).ToList();
        foreach (var (key, _) in own)
            if (!Keys.Contains(key, StringComparer.Ordinal))
                throw new CliException(key is "label"
                    ? "--filter: label: an event has no labels; containerd's filters know its fields, e.g. event.container_id==a"
                    : $"--filter: \"{key}\" is not a key: there are {string.Join(", ", Keys)}, and containerd's filters, "
                        + "e.g. topic~=|^/tasks/|");
        return new EventFilter(
            [.. filters.Where(f => !Docker().IsMatch(f))], own.ToLookup(f => f.Key, f => f.Value, StringComparer.Ordinal));
    }

    /// <summary>Whether an event that the daemon has sent is to be printed.</summary>
    public bool Matches(Event e)
    {
        if (_values.Count == 0) return true;
        var (kind, action) = EventText.Words(e.Topic);
        var isOfContainer = kind is "container" or "task";
        return Any("container", id => isOfContainer && EventText.Id(e) == id)
            && Any("event", word => word == action || word == EventText.Action(e))
            && Any("type", type => type == kind || isOfContainer && type is "container");
    }

    private bool Any(string key, Func<string, bool> matches) => !_values.Contains(key) || _values[key].Any(matches);

    // containerd's operators are ==, != and ~=.
    [GeneratedRegex(@"\A(?<key>[a-z]+)=(?!=)(?<value>.*)\z", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Docker();
}
