using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Supervisor.Actors.Events;

/// <summary>containerd's way to wrap a message.</summary>
public static class Envelopes
{
    /// <summary>
    /// The message with its full name as type URL: no <c>type.googleapis.com/</c> in front, which its clients would not find.
    /// </summary>
    public static Any Pack(IMessage message) => new() { TypeUrl = message.Descriptor.FullName, Value = message.ToByteString() };
}
