using System.Collections;
using System.Collections.Immutable;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Actors.Events;

namespace Supervisor.Host.Filters;

/// <summary>
/// The fields for filters of events: <c>namespace</c>, <c>topic</c>, and <c>event.FIELD</c> of the event types we know.
/// </summary>
public static class EventFields
{
    private static readonly TypeRegistry Known = TypeRegistry.FromFiles(Containerd.Events.EventsReflection.Descriptor);

    /// <summary>Fields of one event; its body is parsed at most once, and only when a filter asks for it.</summary>
    public static FieldLookup Of(PublishedEvent @event)
    {
        var body = new Lazy<IMessage?>(() => Parse(@event.Event), LazyThreadSafetyMode.None);
        return path => path[0] switch
        {
            "namespace" when path.Length == 1 => NullIfEmpty(@event.Namespace),
            "topic" when path.Length == 1 => NullIfEmpty(@event.Topic),
            "event" when path.Length > 1 && body.Value is { } message => Find(message, path.AsSpan()[1..]),
            _ => null,
        };
    }

    /// <summary>Null for an unknown type, or for bytes that are not such a message.</summary>
    internal static IMessage? Parse(Any any)
    {
        // Clients of other origin may put Google's prefix in front of the type's name.
        if (Known.Find(any.TypeUrl[(any.TypeUrl.LastIndexOf('/') + 1)..]) is not { } descriptor) return null;
        try
        {
            return descriptor.Parser.ParseFrom(any.Value);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static string? Find(IMessage message, ReadOnlySpan<string> path)
    {
        if (message.Descriptor.FindFieldByName(path[0]) is not { } field) return null;
        var value = field.Accessor.GetValue(message);
        // A key may hold dots: the rest of the path, joined.
        if (field.IsMap) return path.Length > 1 ? (value as IDictionary)?[string.Join('.', path[1..]!)] as string : null;
        if (value is string text) return path.Length == 1 ? NullIfEmpty(text) : null;
        return value is IMessage inner and not Any && path.Length > 1 ? Find(inner, path[1..]) : null;
    }

    private static string? NullIfEmpty(string value) => value.Length == 0 ? null : value;
}
