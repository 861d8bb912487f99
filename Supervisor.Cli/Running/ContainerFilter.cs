using Containerd.Services.Containers.V1;
using Containerd.V1.Types;
using Supervisor.Cli.Errors;

namespace Supervisor.Cli.Running;

/// <summary>
/// docker's filters of <c>ps</c>: <c>id</c>, <c>name</c>, <c>status</c>, <c>label</c> and <c>exited</c>. Those of one key are
/// alternatives, different keys must all match.
/// </summary>
internal sealed class ContainerFilter
{
    private static readonly string[] Statuses = ["created", "running", "paused", "exited", "stopped", "none"];

    private readonly ILookup<string, string> _wanted;

    private ContainerFilter(ILookup<string, string> wanted) => _wanted = wanted;

    /// <summary>Whether containers are meant that do not run.</summary>
    public bool IsOfAll => _wanted.Contains("status") || _wanted.Contains("exited");

    /// <exception cref="CliException">One of them is unknown, or has a wrong value.</exception>
    public static ContainerFilter Parse(IEnumerable<string> filters) =>
        new(filters.Select(Read).ToLookup(f => f.Key, f => f.Value));

    public bool Matches(Container container, Process? task) => _wanted.All(w => w.Any(value => w.Key switch
    {
        "label" when value.Split('=', 2) is [var label, var text] =>
            container.Labels.TryGetValue(label, out var present) && present == text,
        "label" => container.Labels.ContainsKey(value),
        "status" => StatusOf(task) == (value is "stopped" ? "exited" : value),
        "exited" => task is { Status: Status.Stopped } && $"{task.ExitStatus}" == value,
        _ => container.Id.Contains(value, StringComparison.Ordinal),
    }));

    private static (string Key, string Value) Read(string filter)
    {
        if (filter.Split('=', 2) is not [var key, var value])
            throw new CliException($"--filter: \"{filter}\" is not KEY=VALUE, e.g. status=running or label=role=web");
        return key switch
        {
            "id" or "name" or "label" => (key, value),
            "status" when Statuses.Contains(value, StringComparer.Ordinal) => (key, value),
            "status" => throw new CliException($"--filter: \"{value}\" is no status: {string.Join(", ", Statuses)}"),
            "exited" when int.TryParse(value, out var code) && code is >= 0 and <= 255 => (key, $"{code}"),
            "exited" => throw new CliException($"--filter: \"{value}\" is no exit code from 0 to 255"),
            _ => throw new CliException($"--filter: \"{key}\" is not known: id, name, status, label or exited"),
        };
    }

    private static string StatusOf(Process? task) => task switch
    {
        null => "none",
        { Status: Status.Stopped } => "exited",
        _ => task.Status.ToString().ToLowerInvariant(),
    };
}
