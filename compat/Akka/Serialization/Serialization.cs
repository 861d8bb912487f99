using System.Collections.Concurrent;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Util;

namespace Akka.Serialization;

/// <summary>Which serializer for which type, from akka.actor.serializers, serialization-bindings and serialization-identifiers.</summary>
public class Serialization
{
    private readonly ConcurrentDictionary<Type, Serializer> _byType = new();
    private readonly Dictionary<string, Serializer> _byName = [];
    private readonly Dictionary<int, Serializer> _byId = [];

    public Serialization(ExtendedActorSystem system)
    {
        System = system;
        AddSerializer("null", new NullSerializer(system));
        foreach (var (name, value) in Members("akka.actor.serializers"))
        {
            var type = Dispatch.TypeCache.TryGet(value.GetString());
            if (type is null)
            {
                system.Log.Warning("The type name for serializer '{0}' did not resolve to an actual Type: '{1}'", name, value.GetString());
                continue;
            }
            var settings = system.Settings.Config.GetConfig("akka.actor.serialization-settings." + name);
            AddSerializer(name, settings is not null && type.GetConstructor([typeof(ExtendedActorSystem), typeof(Config)]) is not null
                ? (Serializer)Activator.CreateInstance(type, system, settings)
                : (Serializer)Activator.CreateInstance(type, system));
        }
        foreach (var (name, value) in Members("akka.actor.serialization-bindings"))
        {
            var type = Dispatch.TypeCache.TryGet(name);
            if (type is null) system.Log.Warning("The type name for message/serializer binding '{0}' did not resolve to an actual Type: '{1}'", value.GetString(), name);
            else if (!_byName.TryGetValue(value.GetString(), out var serializer)) system.Log.Warning("Serialization binding to non existing serializer: '{0}'", value.GetString());
            else AddSerializationMap(type, serializer);
        }
    }

    public ExtendedActorSystem System { get; }
    private readonly List<(Type Type, Serializer Serializer)> _bindings = [];

    private IEnumerable<KeyValuePair<string, Configuration.Hocon.HoconValue>> Members(string path) => System.Settings.Config.GetConfig(path)?.AsEnumerable() ?? [];

    public void AddSerializer(string name, Serializer serializer)
    {
        _byName[name] = serializer;
        _byId[serializer.Identifier] = serializer;
    }

    public void AddSerializationMap(Type type, Serializer serializer)
    {
        lock (_bindings)
        {
            _bindings.RemoveAll(b => b.Type == type);
            _bindings.Add((type, serializer));
            _byType.Clear();
        }
    }

    public Serializer FindSerializerFor(object obj, string defaultSerializerName = null) =>
        obj is null ? _byName["null"] : FindSerializerForType(obj.GetType(), defaultSerializerName);

    /// <summary>The binding of the most specific type that the object is.</summary>
    /// <exception cref="SerializationException">No binding fits.</exception>
    public Serializer FindSerializerForType(Type objectType, string defaultSerializerName = null) =>
        _byType.TryGetValue(objectType, out var known) ? known : Find(objectType, defaultSerializerName);

    private Serializer Find(Type type, string defaultSerializerName)
    {
        (Type Type, Serializer Serializer) best = default;
        lock (_bindings)
            foreach (var binding in _bindings)
                if (binding.Type.IsAssignableFrom(type) && (best.Type is null || (best.Type != binding.Type && best.Type.IsAssignableFrom(binding.Type))))
                    best = binding;
        if ((best.Type is null || best.Type == typeof(object)) && defaultSerializerName is not null && _byName.TryGetValue(defaultSerializerName, out var fallback)) return fallback;
        if (best.Serializer is null) throw new SerializationException($"Serializer not found for type {type.Name}");
        return _byType[type] = best.Serializer;
    }

    public object Deserialize(byte[] bytes, int serializerId, string manifest)
    {
        var serializer = ById(serializerId, manifest);
        if (serializer is SerializerWithStringManifest named) return named.FromBinary(bytes, manifest);
        if (string.IsNullOrEmpty(manifest)) return serializer.FromBinary(bytes, null);
        var type = Dispatch.TypeCache.TryGet(manifest)
            ?? throw new SerializationException($"Cannot find manifest class [{manifest}] for serializer with id [{serializerId}].");
        return serializer.FromBinary(bytes, type);
    }

    private Serializer ById(int id, string manifest) => _byId.TryGetValue(id, out var serializer) ? serializer : throw new SerializationException(
        $"Cannot find serializer with id [{id}] (manifest [{manifest}]). The most probable reason is that the configuration entry 'akka.actor.serializers' is not in sync between the two systems.");

    public IActorRef DeserializeActorRef(string path) => System.Provider.ResolveActorRef(path);

    public static string ManifestFor(Serializer s, object msg) => s switch
    {
        SerializerWithStringManifest named => named.Manifest(msg),
        { IncludeManifest: true } => msg.GetType().TypeQualifiedName(),
        _ => "",
    };

    public static string SerializedActorPath(IActorRef actorRef) => actorRef is null or Nobody ? "" : actorRef.Path.ToSerializationFormat();

    internal object RoundTrip(object message)
    {
        var serializer = FindSerializerFor(message);
        return Deserialize(serializer.ToBinary(message), serializer.Identifier, serializer is SerializerWithStringManifest ? ManifestFor(serializer, message) : message.GetType().TypeQualifiedName());
    }
}
