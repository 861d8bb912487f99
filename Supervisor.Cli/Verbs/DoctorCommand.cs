using System.CommandLine;
using Supervisor.Cli.Diagnosis;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;
using Supervisor.Host.Arguments;
using Supervisor.Runtime.Probing;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor doctor</c>: what this host's kernel offers, and whether the daemon is well; 1 if it is not.</summary>
internal static class DoctorCommand
{
    private const int HasFault = 1;

    public static Command Create()
    {
        var root = new Option<string?>("--root") {
            Description = "The daemon's root, to check it while it is down", HelpName = "DIR" };
        var state = new Option<string?>("--state") { Description = "Likewise its state directory", HelpName = "DIR" };
        var json = JsonOption.Create("One JSON object: host and daemon, each a list");
        var command = new Command("doctor", "Checks what the host offers to containers, and the daemon") { root, state, json };
        command.Does(async (parse, cancel) =>
        {
            using var client = GlobalOptions.Connect(parse);
            var isUsual = client.Address == DaemonDefaults.Address;
            var daemon = await new DaemonDiagnosis(
                client, Directory(parse.GetValue(root)) ?? (isUsual ? DaemonDefaults.Root : null),
                Directory(parse.GetValue(state)) ?? (isUsual ? DaemonDefaults.State : null)).ExamineAsync(cancel);
            var host = HostFeatures.Probe();
            await Console.Out.WriteAsync(parse.GetValue(json) ? Json(host, daemon) : Text(host, daemon));
            return daemon.Any(f => f.Verdict is Verdict.Fault) ? HasFault : 0;
        });
        return command;
    }

    private static string? Directory(string? named) =>
        named is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(named));

    private static string Text(IReadOnlyList<HostFeature> host, IReadOnlyList<Finding> daemon) => TextTable.Render(
        ["FEATURE", "PRESENT", "USED FOR", "DETAIL"],
        host.Select(f => new[] { f.Name, f.Present ? "yes" : "no", f.UsedFor, f.Detail })) + "\n" + TextTable.Render(
        ["CHECK", "RESULT", "DETAIL"],
        daemon.SelectMany(f => f.ToDo.Length == 0 ? (string[][])[[f.Check, Word(f.Verdict), f.Detail]]
            : [[f.Check, Word(f.Verdict), f.Detail], ["", "", "→ " + f.ToDo]]));

    private static string Word(Verdict verdict) => verdict.ToString().ToLowerInvariant();

    private static string Json(IReadOnlyList<HostFeature> host, IReadOnlyList<Finding> daemon) => JsonOutput.Render(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("host");
        foreach (var feature in host)
        {
            json.WriteStartObject();
            json.WriteString("feature", feature.Name);
            json.WriteBoolean("present", feature.Present);
            json.WriteString("usedFor", feature.UsedFor);
            json.WriteString("detail", feature.Detail);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("daemon");
        foreach (var finding in daemon)
        {
            json.WriteStartObject();
            json.WriteString("check", finding.Check);
            json.WriteString("result", Word(finding.Verdict));
            json.WriteString("detail", finding.Detail);
            json.WriteString("toDo", finding.ToDo);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }) + "\n";
}
