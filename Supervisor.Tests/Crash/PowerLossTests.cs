using Containerd.Services.Containers.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Tests.EndToEnd;
using Supervisor.V1;

namespace Supervisor.Tests.Crash;

/// <summary>
/// The machine loses power: processes, /run and unsynced writes are lost, and the next boot has another id.
/// </summary>
[Collection(Alone.Name)]
public sealed class PowerLossTests
{
    [DiskFact]
    public async Task After_a_power_loss_durable_events_remain_no_number_is_reused_and_every_state_is_true()
    {
        await using var daemon = new DaemonProcess();
        var disk = new Disk(Path.Join(daemon.Place, "disk"), daemon.Root);
        await disk.CreateAsync();
        daemon.AfterStop = disk.UnmountAsync;
        await daemon.RestartAsync();
        using var client = new CrashClient(daemon);
        List<Event> seen;
        await using (var history = new HistoryReader(client))
        {
            foreach (var id in (string[])["runs", "ends", "gone"])
            {
                await client.CreateContainer(id, "sleep", "1000");
                await client.CreateTask(id);
                await client.Start(id);
            }
            await client.Remove("gone");
            await client.CreateContainer("fresh", "sleep", "1000");
            await Label(client, "runs", "kept");
            // From here on nothing is synced: events of tasks may be lost.
            await client.Kill("ends");
            await client.Wait("ends");
            await client.CreateTask("fresh");
            await client.Start("fresh");
            await history.Until(events =>
                events.Count(e => e.Topic == "/tasks/start") == 4 && events.Any(e => Exit(e) == "ends"));
            disk.LosePower();
            seen = [.. history.Seen];
        }
        await Die(daemon, seen);
        await disk.BootAsync();
        await BootWithAnotherId(daemon);

        var listed = (await CrashClient.Ask(
            () => client.Containers.ListAsync(new ListContainersRequest(), client.In())))!.Containers;
        Assert.Equal(["ends", "fresh", "runs"], listed.Select(c => c.Id).Order());
        Assert.Equal("kept", listed.Single(c => c.Id == "runs").Labels["label"]);
        foreach (var id in (string[])["ends", "fresh", "runs"]) await IsNotRunning(client, id);

        await using var after = new HistoryReader(client);
        await client.CreateContainer("new", "true");
        await after.Until(events => events.Any(e => e.Topic == "/containers/create" && Created(e) == "new"));
        var survived = after.Seen.TakeWhile(e => e.Number <= seen[^1].Number).ToList();
        Assert.Equal(seen.Take(survived.Count).Select(e => (e.Number, e.Topic)), survived.Select(e => (e.Number, e.Topic)));
        Assert.True(survived.Count < seen.Count, "nothing was lost: the disk has been synced, and this test shows nothing");
        Assert.Contains(survived, e => e.Topic == "/containers/update"); // it was acknowledged, and so was everything before it
        var next = after.Seen[survived.Count];
        Assert.Equal(survived[^1].Number, next.Previous);
        Assert.True(next.Number > seen[^1].Number, $"{next.Number} was used before: {seen[^1].Number}");

        // A subscriber that has seen lost events continues, and can detect the loss.
        using var resumed = client.History.Subscribe(new EventsSubscribeRequest { From = seen[^1].Number + 1 }, client.In());
        Assert.True(await resumed.ResponseStream.MoveNext(CancellationToken.None));
        Assert.True(resumed.ResponseStream.Current.Previous < seen[^1].Number);

        await client.CreateTask("runs");
        await client.Start("runs");
        foreach (var id in (string[])["ends", "fresh", "runs", "new"]) await client.Remove(id);
    }

    /// <summary>Kills every process of ours and removes everything that does not survive a boot.</summary>
    private static async Task Die(DaemonProcess daemon, List<Event> seen)
    {
        var inits = seen.Where(e => e.Topic == "/tasks/start")
            .Select(e => Containerd.Events.TaskStart.Parser.ParseFrom(e.Event_.Value).Pid);
        var ended = seen.Where(e => Exit(e).Length > 0)
            .Select(e => Containerd.Events.TaskExit.Parser.ParseFrom(e.Event_.Value).Pid);
        var shim = daemon.ShimPid!.Value;
        await daemon.KillAsync();
        await StormTests.Signal("-KILL", shim);
        foreach (var pid in inits.Except(ended)) await StormTests.Signal("-KILL", (int)pid);
        Directory.Delete(daemon.State, recursive: true);
    }

    private static async Task BootWithAnotherId(DaemonProcess daemon)
    {
        var bootId = Path.Join(daemon.Place, "boot_id");
        await File.WriteAllTextAsync(bootId, "00000000-0000-4000-8000-000000000001\n");
        daemon.Wrapper = ["unshare", "-m", "sh", "-c", $"mount --bind {bootId} /proc/sys/kernel/random/boot_id && exec \"$@\"",
            "sh"];
        await daemon.RestartAsync();
    }

    /// <summary>It has no task, or a stopped one whose exit was not observed.</summary>
    private static async Task IsNotRunning(CrashClient client, string id)
    {
        try
        {
            var process = (await client.Tasks.GetAsync(new GetRequest { ContainerId = id }, client.In())).Process;
            Assert.Equal((id, Containerd.V1.Types.Status.Stopped), (id, process.Status));
            if (id is not "ends") Assert.Equal(255u, process.ExitStatus);
            await client.Tasks.DeleteAsync(new DeleteTaskRequest { ContainerId = id }, client.In());
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound)
        {
            // Its creation was lost, or interrupted and undone.
        }
    }

    private static async Task Label(CrashClient client, string id, string value) =>
        await client.Containers.UpdateAsync(new UpdateContainerRequest
    {
        Container = new Container { Id = id, Labels = { ["label"] = value } },
        UpdateMask = new FieldMask { Paths = { "labels.label" } },
    }, client.In());

    private static string Exit(Event e) =>
        e.Topic == "/tasks/exit" ? Containerd.Events.TaskExit.Parser.ParseFrom(e.Event_.Value).ContainerId : "";

    private static string Created(Event e) => Containerd.Events.ContainerCreate.Parser.ParseFrom(e.Event_.Value).Id;
}
