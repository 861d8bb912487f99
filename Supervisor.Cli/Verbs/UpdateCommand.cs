using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Containerd.Services.Containers.V1;
using Containerd.V1.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Kernel;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor update</c>: changes limits, of the running task and of the spec that later starts use.</summary>
internal static class UpdateCommand
{
    private const long CpuPeriod = 100_000; // microseconds, as docker's --cpus

    public static Command Create()
    {
        var memory = new Option<string?>("--memory", "-m") {
            Description = "Memory limit, e.g. 64m; 0 for none", HelpName = "SIZE" };
        var pids = new Option<long?>("--pids-limit") { Description = "Limit of processes; -1 for none", HelpName = "N" };
        var cpus = new Option<double?>("--cpus") {
            Description = "Number of CPUs, e.g. 1.5; 0 for no limit", HelpName = "NUMBER" };
        var ids = Ids.OneOrMore();
        var command = new Command("update", "Changes limits of containers, also while they run") { memory, pids, cpus, ids };
        command.Does((parse, client, cancel) =>
        {
            var resources = Read(parse.GetValue(memory), parse.GetValue(pids), parse.GetValue(cpus));
            return Each.DoAsync(parse.GetRequiredValue(ids), async id =>
            {
                await UpdateAsync(client, id, resources, cancel);
                await Console.Out.WriteLineAsync(id);
            });
        });
        return command;
    }

    /// <summary>OCI resources with what is to change.</summary>
    private static JsonObject Read(string? memory, long? pids, double? cpus)
    {
        var resources = new JsonObject();
        if (memory is not null) resources["memory"] = new JsonObject { ["limit"] = Bytes(memory) };
        if (pids is < -1 or 0)
            throw new CliException($"--pids-limit: {pids} is neither a number from 1 on, nor -1 for no limit");
        if (pids is not null) resources["pids"] = new JsonObject { ["limit"] = pids };
        if (cpus is not null and not (>= 0 and <= 10_000))
            throw new CliException($"--cpus: {cpus} is not a number of CPUs");
        if (cpus is { } number)
            resources["cpu"] = new JsonObject {
                ["period"] = CpuPeriod, ["quota"] = number > 0 ? (long)(number * CpuPeriod) : -1 };
        return resources.Count > 0 ? resources
            : throw new CliException("nothing to change is given: --memory, --pids-limit or --cpus");
    }

    private static long Bytes(string size) => size is "0" or "-1" ? -1 : ByteSize.TryParse(size)
        ?? throw new CliException($"--memory: \"{size}\" is not a size: a number with b, k, m, g or t, e.g. 64m");

    /// <summary>The task first: what it refuses is not recorded.</summary>
    private static async Task UpdateAsync(DaemonClient client, string id, JsonObject resources, CancellationToken cancel)
    {
        var container = await client.ContainerAsync(id, cancel);
        var spec = Changed(container, resources);
        if (await Removal.FindTaskAsync(client, id, cancel) is { Status: not Status.Stopped })
            await client.TaskOf(id).UpdateResourcesAsync(resources.ToJsonString(), cancel);
        var request = new UpdateContainerRequest
        {
            Container = new Container { Id = id, Spec = new Any { TypeUrl = container.Spec.TypeUrl, Value = spec } },
            UpdateMask = new FieldMask { Paths = { "spec" } },
        };
        await client.StayAsync(() => client.Containers.UpdateAsync(request, client.Call(cancel)).ResponseAsync);
    }

    private static ByteString Changed(Container container, JsonObject resources)
    {
        if (SpecJson.Document(container) is not { } document || JsonNode.Parse(document) is not JsonObject spec)
            throw new CliException($"container {container.Id} has no spec that could be changed");
        Merge(spec, new JsonObject { ["linux"] = new JsonObject { ["resources"] = resources.DeepClone() } });
        return ByteString.CopyFromUtf8(spec.ToJsonString());
    }

    private static void Merge(JsonObject into, JsonObject changes)
    {
        foreach (var (name, value) in changes)
        {
            if (value is JsonObject inner && into[name] is JsonObject present) Merge(present, inner);
            else into[name] = value?.DeepClone();
        }
    }
}
