using System.Collections.Immutable;
using System.Runtime.Serialization;
using Akka.Actor;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Events;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Tests.Actors.Tasks;
using E = Supervisor.Actors.Tasks.TaskEvent;

namespace Supervisor.Tests.Actors.Persistence;

/// <summary>Serialization round trips of every event, found by reflection.</summary>
public sealed class JournalSerializerTests : IDisposable
{
    private static readonly DateTimeOffset T0 = TaskMachineTable.T0;
    private readonly ActorSystem _system = ActorSystem.Create("journal-serializer");
    private readonly JournalSerializer _serializer;

    public JournalSerializerTests() => _serializer = new JournalSerializer((ExtendedActorSystem)_system);

    public void Dispose() => _system.Terminate().Wait(TimeSpan.FromSeconds(10));

    private static readonly TaskEvent[] TaskEvents =
    [
        new E.CreateRequested(
            T0, new TaskSetup("/b", new StdioPaths("i", "o", "e", true), [new RootfsMount("overlay", "s", "t", ["ro", "x=y"])])),
        new E.Created(T0, TaskMachineTable.Init, TaskMachineTable.Cgroup, TaskMachineTable.Setup),
        new E.RestorePrepared(
            T0, TaskMachineTable.Setup,
            new TaskRestore(new RestoreSource("i", "w", "o"), Google.Protobuf.ByteString.CopyFromUtf8("{}"))),
        new E.Restored(T0, TaskMachineTable.Init, TaskMachineTable.Cgroup), new E.RestoreFailed(T0, "why"),
        new E.Checkpointed(T0, "i"),
        new E.CreateFailed(T0, "why"), new E.StartRequested(T0), new E.Started(T0, 7),
        new E.StartFailed(T0, "why", TaskMachineTable.Exit, 7),
        new E.DiedWhileStarting(T0, TaskMachineTable.Exit), new E.Paused(T0), new E.Resumed(T0), new E.OomKilled(T0),
        new E.Exited(T0, new TaskExit(255, T0, "not seen"), 7), new E.DeleteRequested(T0),
        new E.Deleted(T0, 7, TaskMachineTable.Exit),
    ];

    [Fact]
    public void Every_task_event_survives_a_round_trip()
    {
        Assert.Equal(typeof(TaskEvent).GetNestedTypes().ToHashSet(), TaskEvents.Select(e => e.GetType()).ToHashSet());
        foreach (var e in TaskEvents) Assert.Equivalent(e, Through(e), strict: true);
    }

    [Fact]
    public void Every_container_event_survives_a_round_trip()
    {
        var record = new ContainerRecord(
            ContainerId.Parse("n", "c"), ImmutableSortedDictionary<string, string>.Empty.Add("k", "v"), "image", "runtime",
            new Any { TypeUrl = "o" },
            new Any { TypeUrl = "s", Value = Google.Protobuf.ByteString.CopyFromUtf8("{}") }, "snapshotter", "key",
            ImmutableSortedDictionary<string, Any>.Empty.Add("x", new Any { TypeUrl = "e" }), "sandbox", T0, T0.AddTicks(1));
        foreach (var e in (ContainerEvent[])[new ContainerEvent.Created(T0, record),
            new ContainerEvent.Updated(T0, record with { Spec = null, RuntimeOptions = null }), new ContainerEvent.Deleted(T0)])
            Assert.Equivalent(e, Through(e), strict: true);
    }

    [Fact]
    public void Registry_and_client_events_survive_a_round_trip()
    {
        Assert.Equal(new ContainerRegistered(ContainerId.Parse("n", "c"), true),
            Through(new ContainerRegistered(ContainerId.Parse("n", "c"), true)));
        var compacted = (RegistryCompacted)Through(
            new RegistryCompacted([ContainerId.Parse("n", "c"), ContainerId.Parse("n", "d")]));
        Assert.Equal(["n/c", "n/d"], compacted.Present.Select(id => id.ToString()));
        var e = new ClientEvent(T0, "n", "/t", new Any { TypeUrl = "containerd.events.TaskExit" });
        Assert.Equal(e, Through(e));
    }

    [Fact]
    public void A_manifest_of_a_newer_version_is_refused_by_name()
    {
        var e = Assert.Throws<SerializationException>(() => _serializer.FromBinary([], "task.v9"));
        Assert.Contains("\"task.v9\"", e.Message, StringComparison.Ordinal);
    }

    private object Through(object o) => _serializer.FromBinary(_serializer.ToBinary(o), _serializer.Manifest(o));
}
