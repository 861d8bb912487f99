using System.CommandLine;
using System.Globalization;
using System.Text;
using Containerd.Services.Tasks.V1;
using Containerd.V1.Types;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Stdio;
using Supervisor.Client;
using Supervisor.Client.Errors;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor stats</c>: what containers use, once or every second.</summary>
internal static class StatsCommand
{
    private const string TopLeft = "\e[H", RestOfScreen = "\e[J";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly string[] Heading = ["ID", "CPU %", "MEM USAGE / LIMIT", "MEM %", "PIDS"];

    public static Command Create()
    {
        var once = new Option<bool>("--no-stream") { Description = "Print once, and not every second" };
        var ids = Ids.OneOrMore();
        ids.Arity = ArgumentArity.ZeroOrMore;
        var command = new Command("stats", "Shows what running containers use: all of them, or those named") { once, ids };
        command.Does(async (parse, client, cancel) =>
        {
            var named = parse.GetValue(ids) ?? [];
            foreach (var id in named) await client.ContainerAsync(id, cancel); // each must exist
            await StandardOutput.PrintAsync(
                (output, cancel) => FollowAsync(client, named, parse.GetValue(once), output, cancel), cancel);
            return 0;
        });
        return command;
    }

    private static async Task FollowAsync(
        DaemonClient client, IReadOnlyList<string> named, bool once, StandardOutput output, CancellationToken cancel)
    {
        var redraws = !once && !Console.IsOutputRedirected;
        for (var before = await SampleAsync(client, named, cancel); ;)
        {
            await Task.Delay(Interval, cancel);
            var now = await SampleAsync(client, named, cancel);
            var table = TextTable.Render(Heading, now.Select(n => Row(n.Key, before.GetValueOrDefault(n.Key), n.Value)));
            output.Write(Encoding.UTF8.GetBytes(redraws ? TopLeft + table + RestOfScreen : table));
            if (once) return;
            before = now;
        }
    }

    /// <summary>Those that have exited are left out.</summary>
    private static async Task<SortedDictionary<string, TaskStats>> SampleAsync(
        DaemonClient client, IReadOnlyList<string> named, CancellationToken cancel)
    {
        var tasks = await client.StayAsync(
            () => client.Tasks.ListAsync(new ListTasksRequest(), client.Call(cancel)).ResponseAsync);
        var samples = new SortedDictionary<string, TaskStats>(StringComparer.Ordinal);
        foreach (var task in tasks.Tasks.Where(t => named.Count == 0 || named.Contains(t.Id)))
        {
            if (task.Status is not (Status.Running or Status.Paused)) continue;
            try
            {
                samples[task.Id] = await client.TaskOf(task.Id).StatsAsync(cancel);
            }
            catch (ClientException e) when (e.Code is ErrorCode.NotFound)
            {
                // It has exited in the meantime.
            }
        }
        return samples;
    }

    private static string[] Row(string id, TaskStats? before, TaskStats now)
    {
        var limit = now.V2?.Memory?.UsageLimit ?? now.V1?.Memory?.Usage?.Limit ?? 0;
        var isLimited = limit is > 0 and < long.MaxValue / 4096 * 4096; // cgroup v1's word for no limit
        var elapsed = before is null ? 0 : (now.At - before.At).TotalSeconds;
        return
        [
            id,
            elapsed > 0 ? Percent((now.CpuTime - before!.CpuTime).TotalSeconds / elapsed) : "-",
            $"{Size(now.MemoryBytes)} / {(isLimited ? Size(limit) : "-")}",
            isLimited ? Percent((double)now.MemoryBytes / limit) : "-",
            $"{now.Pids}",
        ];
    }

    private static string Percent(double share) => (share * 100).ToString("0.00", CultureInfo.InvariantCulture) + "%";

    private static string Size(ulong bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var (value, unit) = ((double)bytes, 0);
        for (; value >= 1024 && unit < units.Length - 1; unit++) value /= 1024;
        return value.ToString(unit == 0 ? "0" : "0.00", CultureInfo.InvariantCulture) + units[unit];
    }
}
