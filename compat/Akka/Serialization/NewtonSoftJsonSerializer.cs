using System.Text;
using Akka.Actor;
using Akka.Util;
using Newtonsoft.Json;
using Newtonsoft.Json.Serialization;

namespace Akka.Serialization;

/// <summary>What serializes whatever has no serializer of its own: JSON with type names. For tests and small tools;
/// journals deserve a schema.</summary>
public class NewtonSoftJsonSerializer : Serializer
{
    // Made when it is first needed: the library is slow to start, and a system with serializers of its own never uses it.
    private readonly Lazy<JsonSerializerSettings> _settings;
    private readonly Lazy<JsonSerializer> _serializer;

    public NewtonSoftJsonSerializer(ExtendedActorSystem system) : base(system)
    {
        _settings = new Lazy<JsonSerializerSettings>(() => Make(system));
        _serializer = new Lazy<JsonSerializer>(() => JsonSerializer.Create(Settings));
    }

    public JsonSerializerSettings Settings => _settings.Value;
    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj)
    {
        using var writer = new StringWriter();
        _serializer.Value.Serialize(writer, obj, typeof(object));
        return Encoding.UTF8.GetBytes(writer.ToString());
    }

    public override object FromBinary(byte[] bytes, Type type)
    {
        using var reader = new JsonTextReader(new StringReader(Encoding.UTF8.GetString(bytes)));
        var value = _serializer.Value.Deserialize<object>(reader);
        // JSON has one kind of integer; the wish of the caller decides.
        if (value is ISurrogate surrogate) return surrogate.FromSurrogate(system);
        return type is not null && value is IConvertible && !type.IsInstanceOfType(value) && typeof(IConvertible).IsAssignableFrom(type)
            ? Convert.ChangeType(value, type)
            : value;
    }

    private static JsonSerializerSettings Make(ExtendedActorSystem system) => new()
    {
        PreserveReferencesHandling = PreserveReferencesHandling.Objects,
        NullValueHandling = NullValueHandling.Ignore,
        DefaultValueHandling = DefaultValueHandling.Ignore,
        MissingMemberHandling = MissingMemberHandling.Ignore,
        ConstructorHandling = ConstructorHandling.AllowNonPublicDefaultConstructor,
        TypeNameHandling = TypeNameHandling.All,
        ContractResolver = new PrivateSetters(),
        Converters = { new SurrogateConverter(system) },
    };

    private sealed class PrivateSetters : DefaultContractResolver
    {
        protected override JsonProperty CreateProperty(System.Reflection.MemberInfo member, MemberSerialization memberSerialization)
        {
            var property = base.CreateProperty(member, memberSerialization);
            if (!property.Writable && member is System.Reflection.PropertyInfo { SetMethod: not null }) property.Writable = true;
            return property;
        }
    }

    // References, paths and the like exist in one system only; a surrogate travels for them.
    private sealed class SurrogateConverter(ExtendedActorSystem system) : JsonConverter
    {
        public override bool CanConvert(Type objectType) => typeof(ISurrogated).IsAssignableFrom(objectType);
        public override void WriteJson(JsonWriter writer, object value, JsonSerializer serializer) =>
            serializer.Serialize(writer, ((ISurrogated)value).ToSurrogate(system), typeof(object));
        public override object ReadJson(JsonReader reader, Type objectType, object existingValue, JsonSerializer serializer) =>
            serializer.Deserialize<object>(reader) is ISurrogate surrogate ? surrogate.FromSurrogate(system) : null;
    }
}
