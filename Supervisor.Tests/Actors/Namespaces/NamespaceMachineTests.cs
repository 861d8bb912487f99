using System.Collections.Immutable;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Namespaces;

namespace Supervisor.Tests.Actors.Namespaces;

public sealed class NamespaceMachineTests
{
    private static readonly DateTimeOffset T = DateTimeOffset.UnixEpoch;

    private static ImmutableSortedDictionary<string, string> Labels(params (string Key, string Value)[] labels) =>
        labels.ToImmutableSortedDictionary(l => l.Key, l => l.Value, StringComparer.Ordinal);

    private static ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> With(
        string name, params (string, string)[] labels) =>
        NamespaceMachine.Empty.Add(name, Labels(labels));

    [Fact]
    public void A_new_namespace_is_recorded_without_empty_labels()
    {
        var decision = NamespaceMachine.Decide(
            NamespaceMachine.Empty, new NamespaceCommand.Create("n", T, Labels(("a", "1"), ("b", "")), "me"), "");
        var created = Assert.IsType<NamespaceEvent.Created>(decision.Event);
        Assert.Equal(Labels(("a", "1")), created.Labels);
        Assert.Equal("me", created.PublishedIn);
    }

    [Fact]
    public void A_second_create_is_refused_and_a_second_ensure_does_nothing()
    {
        var create = NamespaceMachine.Decide(With("n"), new NamespaceCommand.Create("n", T, Labels(), "n"), "");
        Assert.Equal(new Refusal(RefusalCode.AlreadyExists, "namespace \"n\": already exists"), create.Refusal);
        var ensure = NamespaceMachine.Decide(With("n"), new NamespaceCommand.Ensure("n", T), "");
        Assert.Equal(new NamespaceDecision(null, null), ensure);
    }

    [Fact]
    public void Ensure_creates_without_an_event_for_clients()
    {
        var decision = NamespaceMachine.Decide(NamespaceMachine.Empty, new NamespaceCommand.Ensure("n", T), "");
        Assert.Equal("", Assert.IsType<NamespaceEvent.Created>(decision.Event).PublishedIn);
        Assert.Null(NamespaceEventMapper.TopicOf(decision.Event!));
    }

    [Theory]
    [InlineData("labels.a", "a=2 b=0")]
    [InlineData("labels.b", "a=1")]         // an empty value removes
    [InlineData("labels.c", "a=1 b=0 c=3")]
    [InlineData("labels", "a=2 c=3")]
    [InlineData("", "a=2 c=3")]             // no mask replaces all
    public void An_update_changes_what_its_mask_names(string path, string expected)
    {
        var update = new NamespaceCommand.Update(
            "n", T, Labels(("a", "2"), ("b", ""), ("c", "3")), path.Length == 0 ? [] : [path], "n");
        var decision = NamespaceMachine.Decide(With("n", ("a", "1"), ("b", "0")), update, "");
        var updated = Assert.IsType<NamespaceEvent.Updated>(decision.Event);
        Assert.Equal(expected, string.Join(' ', updated.Labels.Select(l => $"{l.Key}={l.Value}")));
    }

    [Fact]
    public void A_mask_that_names_a_label_without_a_key_is_refused()
    {
        var update = new NamespaceCommand.Update("n", T, Labels(("", "2")), ["labels."], "n");
        Assert.Equal(
            new Refusal(RefusalCode.InvalidArgument, "update_mask: cannot update \"labels.\" of namespace \"n\""),
            NamespaceMachine.Decide(With("n"), update, "").Refusal);
    }

    [Fact]
    public void An_update_of_a_missing_namespace_creates_it_as_containerd_does()
    {
        var update = new NamespaceCommand.Update("m", T, Labels(("a", "2")), ["labels.a"], "n");
        var updated = Assert.IsType<NamespaceEvent.Updated>(NamespaceMachine.Decide(With("n"), update, "").Event);
        Assert.Equal(["a=2"], NamespaceMachine.Apply(With("n"), updated)["m"].Select(l => $"{l.Key}={l.Value}"));
    }

    [Fact]
    public void An_update_of_any_other_field_is_refused_by_name()
    {
        var decision = NamespaceMachine.Decide(With("n"), new NamespaceCommand.Update("n", T, Labels(), ["name"], "n"), "");
        Assert.Equal(RefusalCode.InvalidArgument, decision.Refusal!.Code);
        Assert.Contains("\"name\"", decision.Refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_namespace_that_is_not_empty_is_not_deleted()
    {
        var full = NamespaceMachine.Decide(With("n"), new NamespaceCommand.Delete("n", T), "2 containers");
        Assert.Equal(RefusalCode.FailedPrecondition, full.Refusal!.Code);
        Assert.Contains("2 containers", full.Refusal.Message, StringComparison.Ordinal);
        Assert.IsType<NamespaceEvent.Deleted>(NamespaceMachine.Decide(With("n"), new NamespaceCommand.Delete("n", T), "").Event);
        Assert.Equal(RefusalCode.NotFound,
            NamespaceMachine.Decide(With("m"), new NamespaceCommand.Delete("n", T), "").Refusal!.Code);
    }

    [Fact]
    public void Every_event_survives_the_journal()
    {
        NamespaceEvent[] events =
        [
            new NamespaceEvent.Created(T.AddTicks(7), "n", Labels(("a", "1")), "m"),
            new NamespaceEvent.Updated(T, "n", Labels(), ""),
            new NamespaceEvent.Deleted(T, "n"),
        ];
        foreach (var e in events)
        {
            var message = NamespaceJournal.ToProto(e);
            var back = NamespaceJournal.FromProto(
                message.Descriptor.FullName, Google.Protobuf.MessageExtensions.ToByteArray(message));
            Assert.Equal(NamespaceJournal.ToProto(back!), message);
            Assert.Equal((e.GetType(), e.At, e.Name), (back!.GetType(), back.At, back.Name));
        }
        Assert.Null(NamespaceJournal.FromProto("supervisor.journal.v1.LeaseCreated", ReadOnlyMemory<byte>.Empty));
    }
}
