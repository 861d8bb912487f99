using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Persistence.Journal;

/// <summary>Changes an event on its way to the journal.</summary>
public interface IWriteEventAdapter
{
    string Manifest(object evt);
    object ToJournal(object evt);
}

/// <summary>Changes what comes from the journal into none, one or several events.</summary>
public interface IReadEventAdapter
{
    IEventSequence FromJournal(object evt, string manifest);
}

public interface IEventAdapter : IWriteEventAdapter, IReadEventAdapter;

public interface IEventSequence
{
    IEnumerable<object> Events { get; }
}

public static class EventSequence
{
    public static IEventSequence Single(object e) => new Sequence([e]);
    public static IEventSequence Create(params object[] events) => new Sequence(events);
    public static IEventSequence Create(IEnumerable<object> events) => new Sequence([.. events]);

    private sealed class Sequence(object[] events) : IEventSequence
    {
        public IEnumerable<object> Events => events;
    }
}

public sealed class IdentityEventAdapter : IEventAdapter
{
    private IdentityEventAdapter() { }

    public static IdentityEventAdapter Instance { get; } = new();

    public string Manifest(object evt) => "";
    public object ToJournal(object evt) => evt;
    public IEventSequence FromJournal(object evt, string manifest) => EventSequence.Single(evt);
}

/// <summary>Which adapter a journal uses for which type: the nearest one bound to the type, a base or an interface of it.</summary>
public class EventAdapters
{
    private readonly ConcurrentDictionary<Type, IEventAdapter> _map;
    private readonly KeyValuePair<Type, IEventAdapter>[] _bindings;

    protected EventAdapters(ConcurrentDictionary<Type, IEventAdapter> map,
        IEnumerable<KeyValuePair<Type, IEventAdapter>> bindings, ILoggingAdapter log)
    {
        _map = map;
        _bindings = [.. bindings];
    }

    public static EventAdapters Create(ExtendedActorSystem system, Config config)
    {
        var bindings = new List<KeyValuePair<Type, IEventAdapter>>();
        if (config.HasPath("event-adapter-bindings"))
        {
            foreach (var (typeName, value) in config.GetConfig("event-adapter-bindings").AsEnumerable())
            {
                string[] names = value.IsArray() ? [.. value.GetStringList()] : [value.GetString()];
                var type = Type.GetType(typeName) ?? throw new ArgumentException($"event-adapter-bindings: no type \"{typeName}\".");
                var adapters = names.Select(name => Adapter(system, config.GetString($"event-adapters.{name}"), name)).ToArray();
                bindings.Add(new(type, adapters.Length == 1 ? adapters[0] : new CombinedReadEventAdapter(adapters)));
            }
        }
        // Most specific first, so that the first binding that fits is the nearest.
        bindings.Sort((a, b) => a.Key.IsAssignableFrom(b.Key) ? 1 : b.Key.IsAssignableFrom(a.Key) ? -1 : 0);
        return new EventAdapters([], bindings, null);
    }

    public virtual IEventAdapter Get(Type type) => _bindings.Length == 0 ? IdentityEventAdapter.Instance : _map.GetOrAdd(type, t =>
        _bindings.Where(b => b.Key.IsAssignableFrom(t)).Select(b => b.Value).FirstOrDefault(IdentityEventAdapter.Instance));

    private static IEventAdapter Adapter(ExtendedActorSystem system, string typeName, string name)
    {
        var type = (typeName is null ? null : Type.GetType(typeName)) ?? throw new ArgumentException($"event-adapters.{name}: no type \"{typeName}\".");
        var adapter = type.GetConstructor([typeof(ExtendedActorSystem)]) is null ? Activator.CreateInstance(type) : Activator.CreateInstance(type, system);
        return adapter switch
        {
            IEventAdapter both => both,
            IWriteEventAdapter write => new OneWay(write, null),
            IReadEventAdapter read => new OneWay(null, read),
            _ => throw new ArgumentException($"event-adapters.{name}: {type} is neither an IWriteEventAdapter nor an IReadEventAdapter."),
        };
    }

    private sealed class OneWay(IWriteEventAdapter write, IReadEventAdapter read) : IEventAdapter
    {
        public string Manifest(object evt) => write?.Manifest(evt) ?? "";
        public object ToJournal(object evt) => write is null ? evt : write.ToJournal(evt);
        public IEventSequence FromJournal(object evt, string manifest) => read?.FromJournal(evt, manifest) ?? EventSequence.Single(evt);
    }
}

/// <summary>Several adapters for reading; what each makes of the event comes one after the other. Cannot write.</summary>
public sealed class CombinedReadEventAdapter(IEnumerable<IEventAdapter> adapters) : IEventAdapter
{
    public IEnumerable<IEventAdapter> Adapters { get; } = [.. adapters];

    public string Manifest(object evt) => throw CannotWrite();
    public object ToJournal(object evt) => throw CannotWrite();
    public IEventSequence FromJournal(object evt, string manifest) =>
        EventSequence.Create(Adapters.SelectMany(adapter => adapter.FromJournal(evt, manifest).Events));

    private static NotSupportedException CannotWrite() => new("Several event adapters are bound to one type, which is only good for reading.");
}
