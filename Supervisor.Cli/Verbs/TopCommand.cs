using System.CommandLine;
using Containerd.Services.Tasks.V1;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;
using Supervisor.Runtime.Launch;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor top</c>: the processes of a container, as the host's ps(1) shows them.</summary>
internal static class TopCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static Command Create()
    {
        var id = Ids.One();
        var options = new Argument<string[]>("ps-option")
        {
            Description = "Options of ps(1) (default -ef); its output needs a column PID",
            Arity = ArgumentArity.ZeroOrMore,
            CaptureRemainingTokens = true,
        };
        var json = JsonOption.Create("One JSON object: titles, and processes, each a list of as many values");
        var command = new Command("top", "Shows the processes of a container, as ps(1) does") { json, id, options };
        command.Does(async (parse, client, cancel) =>
        {
            var request = new ListPidsRequest { ContainerId = parse.GetRequiredValue(id) };
            var processes = (await client.Tasks.ListPidsAsync(request, client.Call(cancel))).Processes;
            var pids = processes.Select(p => (int)p.Pid).ToHashSet();
            string[] given = [.. (parse.GetValue(options) ?? []).DefaultIfEmpty("-ef")];
            var output = await Task.Run(() => Run(given), cancel);
            var lines = Of(output, pids);
            await Console.Out.WriteAsync(parse.GetValue(json) ? Json(lines) : string.Concat(lines.Select(l => l + "\n")));
            return 0;
        });
        return command;
    }

    private static string Run(string[] options)
    {
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            var (status, output) = HostCommand.Run(["ps", .. options], deadline.Token);
            return status == 0 ? output : throw new CliException($"ps {string.Join(' ', options)}: exit status {status}");
        }
        catch (LaunchException e)
        {
            throw new CliException($"{e.Message}: top needs ps(1) on the host (Debian: procps)");
        }
        catch (OperationCanceledException)
        {
            throw new CliException($"ps {string.Join(' ', options)}: no end after {Patience.TotalSeconds:0} s");
        }
    }

    /// <summary>The heading, and the lines of these processes.</summary>
    private static IReadOnlyList<string> Of(string output, HashSet<int> pids)
    {
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var column = lines.Length == 0 ? -1 : Array.IndexOf(Words(lines[0]), "PID");
        if (column < 0) throw new CliException("the output of ps has no column PID: choose options with it, e.g. -o pid,args");
        return [.. lines.Where((line, i) => i == 0
            || Words(line).ElementAtOrDefault(column) is { } word && int.TryParse(word, out var pid) && pids.Contains(pid))];
    }

    /// <summary>As docker's API has it. The last value is the rest of a line: a command has spaces.</summary>
    private static string Json(IReadOnlyList<string> lines)
    {
        var titles = Words(lines[0]);
        return JsonOutput.Render(json =>
        {
            json.WriteStartObject();
            Write("titles", titles);
            json.WriteStartArray("processes");
            foreach (var line in lines.Skip(1)) Write(null, Words(line, titles.Length));
            json.WriteEndArray();
            json.WriteEndObject();

            void Write(string? name, IEnumerable<string> words)
            {
                if (name is null) json.WriteStartArray();
                else json.WriteStartArray(name);
                foreach (var word in words) json.WriteStringValue(word);
                json.WriteEndArray();
            }
        }) + "\n";
    }

    private static string[] Words(string line, int most = int.MaxValue)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length <= most ? words : [.. words.Take(most - 1), string.Join(' ', words.Skip(most - 1))];
    }
}
