using System.Collections.Immutable;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using static Supervisor.Actors.Containers.ContainerCommand;

namespace Supervisor.Tests.Actors.Containers;

public class ContainerMachineTests
{
    private static readonly ContainerId Id = ContainerId.Parse("default", "c1");
    private static readonly DateTimeOffset T0 = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), T1 = T0.AddSeconds(1);

    private static readonly ContainerRecord Old = new(
        Id, Labels(("a", "1"), ("b", "2")), "image", "io.containerd.runc.v2", null, new Any { TypeUrl = "spec" }, "", "",
        ImmutableSortedDictionary<string, Any>.Empty, "", T0, T0);

    private static readonly ContainerState Present = new ContainerState.Present(Old);

    [Fact]
    public void A_create_sets_both_times_and_ignores_the_clients()
    {
        var decision = ContainerMachine.Decide(new ContainerState.Absent(), new Create(Id, T1, Old));
        var made = Assert.IsType<ContainerEvent.Created>(decision.Event);
        Assert.Equal((T1, T1), (made.Record.CreatedAt, made.Record.UpdatedAt));
    }

    [Fact]
    public void A_second_create_is_refused() =>
        Assert.Equal(RefusalCode.AlreadyExists, ContainerMachine.Decide(Present, new Create(Id, T1, Old)).Refusal!.Code);

    [Fact]
    public void Every_command_but_create_is_not_found_without_a_container()
    {
        foreach (var command in (
            ContainerCommand[])[new Update(Id, T1, Old, []), new Delete(Id, T1),
            new CreateTask(Id, T1, new Supervisor.Actors.Tasks.TaskRequest(new("", "", "", false), []))])
            Assert.Equal("container \"c1\" in namespace \"default\": not found",
                ContainerMachine.Decide(new ContainerState.Absent(), command).Refusal!.Message);
    }

    [Theory]
    [InlineData("labels.a", "a=9 b=2")]
    [InlineData("labels.b", "a=1")]
    [InlineData("labels.c", "a=1 b=2 c=3")]
    [InlineData("labels", "a=9 c=3")]
    public void An_update_changes_only_the_fields_of_its_mask_and_an_empty_value_removes(string path, string expected)
    {
        var given = Old with { Labels = Labels(("a", "9"), ("b", ""), ("c", "3")) };
        var changed = Assert.IsType<ContainerEvent.Updated>(
            ContainerMachine.Decide(Present, new Update(Id, T1, given, [path])).Event).Record;
        Assert.Equal(expected, string.Join(' ', changed.Labels.Select(l => $"{l.Key}={l.Value}")));
        Assert.Equal((T0, T1), (changed.CreatedAt, changed.UpdatedAt));
    }

    [Theory]
    [InlineData("snapshotter")]
    [InlineData("labels.")]
    [InlineData("")]
    public void A_mask_with_an_immutable_field_is_refused_by_name(string path)
    {
        var refusal = ContainerMachine.Decide(Present, new Update(Id, T1, Old, [path])).Refusal!;
        Assert.Equal(RefusalCode.InvalidArgument, refusal.Code);
        Assert.Contains($"\"{path}\"", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_runtime_cannot_change_without_a_mask()
    {
        var refusal = ContainerMachine.Decide(Present, new Update(Id, T1, Old with { RuntimeName = "other" }, [])).Refusal!;
        Assert.Equal((RefusalCode.InvalidArgument, "container.runtime.name: cannot be changed"), (refusal.Code, refusal.Message));
    }

    private static ImmutableSortedDictionary<string, string> Labels(params (string, string)[] pairs) =>
        pairs.ToImmutableSortedDictionary(p => p.Item1, p => p.Item2, StringComparer.Ordinal);
}
