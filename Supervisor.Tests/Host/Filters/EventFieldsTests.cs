using Containerd.Events;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Events;
using Supervisor.Host.Filters;

namespace Supervisor.Tests.Host.Filters;

public sealed class EventFieldsTests
{
    private static PublishedEvent Event(string topic, IMessage body, string prefix = "") => new(
        1, 0, DateTimeOffset.UnixEpoch, "moby", topic,
            new Any { TypeUrl = prefix + body.Descriptor.FullName, Value = body.ToByteString() });

    private static bool Matches(string filter, PublishedEvent @event) =>
        FilterSet.Parse([filter]).Matches(EventFields.Of(@event));

    [Theory]
    [InlineData("namespace==moby,topic~=|^/tasks/|", true)] // dockerd's
    [InlineData("namespace==plugins.moby,topic~=|^/tasks/|", false)]
    [InlineData("event.container_id==c1", true)]
    [InlineData("event.container_id==c2", false)]
    [InlineData("event.id==e1", true)]
    [InlineData("event.pid==7", false)]           // only text fields can be filtered
    [InlineData("event.pid", false)]
    [InlineData("event.nonsense", false)]
    [InlineData("event", false)]
    [InlineData("topic.x", false)]
    public void The_envelope_and_text_fields_of_the_body_can_be_filtered(string filter, bool matches) =>
        Assert.Equal(matches, Matches(filter, Event("/tasks/exit", new TaskExit { ContainerId = "c1", Id = "e1", Pid = 7 })));

    [Fact]
    public void Nested_messages_and_labels_are_addressed_by_dots()
    {
        var created = Event("/containers/create", new ContainerCreate { Id = "c", Runtime = new() { Name = "r" } });
        Assert.True(Matches("event.runtime.name==r", created));
        var updated = Event("/containers/update", new ContainerUpdate { Id = "c", Labels = { ["a.b/c"] = "1", ["d"] = "2" } });
        Assert.True(Matches("event.labels.\"a.b/c\"==1", updated));
        Assert.True(Matches("event.labels.d==2", updated));
        Assert.False(Matches("event.labels.e", updated));
        Assert.False(Matches("event.labels", updated));
    }

    [Fact]
    public void A_type_may_have_googles_prefix() =>
        Assert.True(Matches("event.id==c",
            Event("/containers/delete", new ContainerDelete { Id = "c" }, "type.googleapis.com/")));

    [Fact]
    public void A_body_of_unknown_type_or_with_broken_bytes_has_no_fields()
    {
        var unknown = new PublishedEvent(
            1, 0, default, "n", "/t", new Any { TypeUrl = "no.such.Type", Value = ByteString.CopyFromUtf8("x") });
        var broken = new PublishedEvent(
            1, 0, default, "n", "/t",
            new Any { TypeUrl = "containerd.events.TaskExit", Value = ByteString.CopyFrom(0xff, 0xff) });
        Assert.False(Matches("event.id", unknown));
        Assert.False(Matches("event.id", broken));
        Assert.True(Matches("topic==\"/t\"", broken));
    }
}
