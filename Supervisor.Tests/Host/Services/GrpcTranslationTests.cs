using System.Collections.Immutable;
using Containerd.Services.Containers.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Host.Services;
using ProcessStatus = Containerd.V1.Types.Status;

namespace Supervisor.Tests.Host.Services;

public sealed class GrpcTranslationTests
{
    private static readonly ContainerId C1 = ContainerId.Parse("default", "c1");
    private static readonly DateTimeOffset T = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly TaskSetup Setup = new("/b", new StdioPaths("/f/in", "/f/out", "/f/err", false), []);
    private static readonly InitProcess Init = new(42, 99, "boot");
    private static readonly ImmutableSortedDictionary<string, string> Cgroups =
        ImmutableSortedDictionary<string, string>.Empty.Add("", "/x");

    private static readonly TaskRestore Restore = new(new RestoreSource("/images", "", ""), ByteString.Empty);

    public static TheoryData<TaskState, ProcessStatus, uint, uint> States => new()
    {
        { new TaskState.Creating(Setup), ProcessStatus.Created, 0, 0 },
        { new TaskState.Prepared(Setup, Restore), ProcessStatus.Created, 0, 0 },
        { new TaskState.Restoring(Setup, Restore), ProcessStatus.Created, 0, 0 },
        { new TaskState.Created(Setup, Init, Cgroups), ProcessStatus.Created, 42, 0 },
        { new TaskState.Starting(Setup, Init, Cgroups), ProcessStatus.Created, 42, 0 },
        { new TaskState.Starting(Setup, Init, Cgroups, new TaskExit(3, T)), ProcessStatus.Created, 42, 0 },
        { new TaskState.Running(Setup, Init, Cgroups), ProcessStatus.Running, 42, 0 },
        { new TaskState.Paused(Setup, Init, Cgroups), ProcessStatus.Paused, 42, 0 },
        { new TaskState.Stopped(Setup, Init, Cgroups, new TaskExit(137, T)), ProcessStatus.Stopped, 42, 137 },
        { new TaskState.Deleting(Setup, Init, Cgroups, new TaskExit(1, T)), ProcessStatus.Stopped, 42, 1 },
        { new TaskState.Deleting(Setup, Init, Cgroups, null), ProcessStatus.Stopped, 42, 0 },
    };

    [Theory, MemberData(nameof(States))]
    public void Every_state_maps_to_one_of_containerds(TaskState state, ProcessStatus status, uint pid, uint exitStatus)
    {
        var process = ((TaskState.Present)state).ToProcess(C1);
        Assert.Equal((status, pid, exitStatus), (process.Status, process.Pid, process.ExitStatus));
        Assert.Equal(("c1", "/f/in", "/f/out", "/f/err"), (process.Id, process.Stdin, process.Stdout, process.Stderr));
        Assert.Equal(exitStatus == 0 ? -62135596800 : T.ToUnixTimeSeconds(), process.ExitedAt.Seconds);
    }

    [Fact]
    public void Every_state_is_covered()
    {
        var shown = States.Select(r => ((object[])r)[0].GetType()).ToHashSet();
        var all = typeof(TaskState).GetNestedTypes().Where(t => !t.IsAbstract && t.IsSubclassOf(typeof(TaskState.Present)));
        Assert.DoesNotContain(all, t => !shown.Contains(t));
    }

    [Fact]
    public void Every_refusal_maps_to_a_distinct_code()
    {
        var codes = System.Enum.GetValues<RefusalCode>().Select(c => new Refusal(c, "m").ToRpcException()).ToList();
        Assert.Equal(codes.Count, codes.Select(e => e.StatusCode).Distinct().Count());
        Assert.All(codes, e => Assert.Equal("m", e.Status.Detail));
        // dockerd stops listening after CANCELLED.
        Assert.DoesNotContain(codes, e => e.StatusCode is StatusCode.Cancelled or StatusCode.OK);
    }

    [Fact]
    public void A_container_is_returned_byte_for_byte()
    {
        var spec = new Any {
            TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec",
            Value = ByteString.CopyFromUtf8("{ \"odd\" :  1}") };
        var sent = new Container
        {
            Id = "c1",
            Image = "i",
            Runtime = new() { Name = "r", Options = new Any { TypeUrl = "containerd.runc.v1.Options" } },
            Spec = spec,
            Snapshotter = "s",
            SnapshotKey = "k",
            Labels = { ["a"] = "1" },
            Sandbox = "p",
            Extensions = { ["e"] = new Any { TypeUrl = "x", Value = ByteString.CopyFrom(1, 2) } },
            CreatedAt = T.ToTimestamp(),
            UpdatedAt = T.ToTimestamp(),
        };
        var back = (sent.ToRecord(C1) with { CreatedAt = T, UpdatedAt = T }).ToMessage();
        Assert.Equal(sent, back);
    }

    [Fact]
    public void An_oversized_label_is_refused_by_its_field()
    {
        var container = new Container { Labels = { ["k"] = new string('v', GrpcTranslation.MaximumLabelSize) } };
        Assert.Equal("container.labels", Assert.Throws<InvalidFieldException>(() => container.ToRecord(C1)).Field);
    }

    [Fact]
    public void Inspect_returns_fields_that_containerd_has_not()
    {
        var stopped = InspectService.ToMessage(
            new TaskState.Stopped(Setup, Init, Cgroups, new TaskExit(137, T, "why"), OomKilled: true));
        Assert.Equal(("stopped", 42u, 137u, true, "why", "/b", 99ul, "boot"),
            (stopped.Status, stopped.Pid, stopped.ExitStatus, stopped.OomKilled, stopped.Reason, stopped.Bundle,
                stopped.StartTime, stopped.BootId));
        Assert.Equal("/x", stopped.CgroupPaths[""]);
        Assert.Null(InspectService.ToMessage(new TaskState.Running(Setup, Init, Cgroups)).ExitedAt);
    }
}
