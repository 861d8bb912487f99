using System.Collections.Immutable;
using Google.Protobuf;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Leases;

namespace Supervisor.Tests.Actors.Leases;

public sealed class LeaseMachineTests
{
    private static readonly DateTimeOffset T = DateTimeOffset.UnixEpoch;
    private static readonly LeaseKey L1 = new("n", "l1"), Other = new("m", "l1");

    private static ImmutableSortedDictionary<string, string> Until(string time) =>
        ImmutableSortedDictionary<string, string>.Empty.Add(Lease.ExpireLabel, time);

    private static ImmutableDictionary<LeaseKey, Lease> After(params LeaseCommand[] commands) => commands.Aggregate(
        LeaseMachine.Empty, (state, command) => LeaseMachine.Decide(state, command).Events.Aggregate(state, LeaseMachine.Apply));

    [Fact]
    public void An_id_is_unique_within_its_namespace_only()
    {
        var state = After(new LeaseCommand.Create(L1, T, ImmutableSortedDictionary<string, string>.Empty));
        Assert.Equal(RefusalCode.AlreadyExists,
            LeaseMachine.Decide(state, new LeaseCommand.Create(L1, T, Until(""))).Refusal!.Code);
        Assert.Null(LeaseMachine.Decide(state, new LeaseCommand.Create(Other, T, Until(""))).Refusal);
    }

    [Fact]
    public void An_expired_lease_is_not_found_before_it_is_removed()
    {
        var state = After(new LeaseCommand.Create(L1, T, Until("1970-01-01T00:00:10Z")));
        Assert.Null(LeaseMachine.Decide(state, new LeaseCommand.Delete(L1, T.AddSeconds(9))).Refusal);
        Assert.Equal(RefusalCode.NotFound,
            LeaseMachine.Decide(state, new LeaseCommand.Delete(L1, T.AddSeconds(10))).Refusal!.Code);
        var again = LeaseMachine.Decide(state, new LeaseCommand.Create(L1, T.AddSeconds(10), Until("")));
        Assert.Equal([typeof(LeaseEvent.Deleted), typeof(LeaseEvent.Created)], again.Events.Select(e => e.GetType()));
    }

    [Theory]
    [InlineData("1970-01-01T00:00:10Z", 10)]
    [InlineData("1970-01-01T01:00:10+01:00", 10)]
    [InlineData("1970-01-01T00:00:10.5Z", 10.5)]
    public void The_label_is_an_rfc_3339_time(string text, double seconds) =>
        Assert.Equal(T.AddSeconds(seconds), new Lease(L1, T, Until(text), []).ExpiresAt);

    [Fact]
    public void A_label_that_is_not_a_time_never_expires() =>
        Assert.False(new Lease(L1, T, Until("soon"), []).HasExpired(DateTimeOffset.MaxValue));

    [Fact]
    public void Expire_removes_only_expired_leases()
    {
        var state = After(
            new LeaseCommand.Create(L1, T, Until("1970-01-01T00:00:10Z")),
            new LeaseCommand.Create(Other, T, Until("1970-01-01T00:00:11Z")),
            new LeaseCommand.Create(new LeaseKey("n", "forever"), T, ImmutableSortedDictionary<string, string>.Empty));
        var ended = LeaseMachine.Decide(state, new LeaseCommand.Expire(T.AddSeconds(10))).Events;
        Assert.Equal(L1, Assert.IsType<LeaseEvent.Deleted>(Assert.Single(ended)).Key);
    }

    [Fact]
    public void Deleting_a_namespace_deletes_its_leases()
    {
        var state = After(
            new LeaseCommand.Create(L1, T, Until("")), new LeaseCommand.Create(Other, T, Until("")),
                new LeaseCommand.ForgetNamespace("n", T));
        Assert.Equal(Other, Assert.Single(state).Key);
    }

    [Fact]
    public void Adding_a_resource_twice_or_removing_a_missing_one_changes_nothing()
    {
        var blob = new LeasedResource("content", "sha256:1");
        var state = After(new LeaseCommand.Create(L1, T, Until("")), new LeaseCommand.AddResource(L1, T, blob));
        Assert.Equal([blob], state[L1].Resources);
        Assert.Empty(LeaseMachine.Decide(state, new LeaseCommand.AddResource(L1, T, blob)).Events);
        Assert.Empty(LeaseMachine.Decide(
            state, new LeaseCommand.RemoveResource(L1, T, new LeasedResource("content", "sha256:2"))).Events);
        Assert.Equal(RefusalCode.NotFound,
            LeaseMachine.Decide(state, new LeaseCommand.AddResource(Other, T, blob)).Refusal!.Code);
    }

    [Fact]
    public void Compacting_keeps_every_lease_and_its_resources()
    {
        var state = After(
            new LeaseCommand.Create(L1, T, Until("1970-01-01T00:00:10Z")),
            new LeaseCommand.AddResource(L1, T, new LeasedResource("snapshots/overlayfs", "k")),
            new LeaseCommand.Create(Other, T, Until("")));
        var message = LeaseJournal.ToProto(new LeaseEvent.Compacted(T, [.. state.Values]));
        var back = LeaseJournal.FromProto(message.Descriptor.FullName, message.ToByteArray());
        var rebuilt = LeaseMachine.Apply(LeaseMachine.Empty, back!);
        Assert.Equal(state.Keys.Order(KeyOrder), rebuilt.Keys.Order(KeyOrder));
        Assert.Equal(state[L1].ExpiresAt, rebuilt[L1].ExpiresAt);
        Assert.True(state[L1].Resources.SetEquals(rebuilt[L1].Resources));
    }

    [Fact]
    public void Every_event_survives_the_journal()
    {
        var blob = new LeasedResource("content", "sha256:1");
        LeaseEvent[] events =
        [
            new LeaseEvent.Created(T.AddTicks(3), L1, Until("x")), new LeaseEvent.Deleted(T, L1),
            new LeaseEvent.ResourceAdded(T, L1, blob),
            new LeaseEvent.ResourceRemoved(T, Other, blob), new LeaseEvent.Compacted(T, []),
        ];
        foreach (var e in events)
        {
            var message = LeaseJournal.ToProto(e);
            var back = LeaseJournal.FromProto(message.Descriptor.FullName, message.ToByteArray());
            Assert.Equal(e.GetType(), back!.GetType());
            Assert.Equal(e.At, back.At);
            Assert.Equal(message, LeaseJournal.ToProto(back));
        }
        Assert.Null(LeaseJournal.FromProto("supervisor.journal.v1.NamespaceCreated", ReadOnlyMemory<byte>.Empty));
    }

    private static readonly Comparer<LeaseKey> KeyOrder =
        Comparer<LeaseKey>.Create((a, b) => string.CompareOrdinal($"{a}", $"{b}"));
}
