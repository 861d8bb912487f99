using System.Text.Json;
using Supervisor.Runtime.Oci;

namespace Supervisor.Shim.Oci;

/// <summary>The contents of <c>state.json</c>: all that another process needs to find the container again.</summary>
internal sealed record ContainerState
{
    public required string Id { get; init; }

    /// <summary>Absolute.</summary>
    public required string Bundle { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The init's pid in our namespace; 0 before it is spawned.</summary>
    public int Pid { get; init; }

    /// <summary>Its start time in clock ticks since boot: with the boot id it identifies the process.</summary>
    public ulong StartTime { get; init; }

    public string BootId { get; init; } = "";

    /// <summary>User id of its creator.</summary>
    public uint Owner { get; init; }

    /// <summary>Directories by controller.</summary>
    public IReadOnlyDictionary<string, string> CgroupPaths { get; init; } = new Dictionary<string, string>();

    /// <summary>/proc/PID/ns files by the specification's names.</summary>
    public IReadOnlyDictionary<string, string> NamespacePaths { get; init; } = new Dictionary<string, string>();

    /// <summary>What its standard streams referred to, for a restore.</summary>
    public IReadOnlyList<string> ExternalDescriptors { get; init; } = [];

    /// <summary>The resctrl group; null without one.</summary>
    public string? IntelRdtPath { get; init; }

    /// <summary>Whether it has no session keyring of its own.</summary>
    public bool NoNewKeyring { get; init; }

    /// <summary>config.json as it was read.</summary>
    public required byte[] Config { get; init; }

    /// <summary>The config, parsed.</summary>
    public Spec Spec => _spec ??= SpecReader.Read(Config);

    private Spec? _spec;

    /// <summary>With a config that was parsed already.</summary>
    public ContainerState() { }

    /// <inheritdoc cref="ContainerState()"/>
    public ContainerState(Spec spec) => _spec = spec;

    public byte[] ToJson()
    {
        using var buffer = new MemoryStream(Config.Length + 4096);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", 1);
            json.WriteString("id", Id);
            json.WriteNumber("initProcessPid", Pid);
            json.WriteNumber("initProcessStartTime", StartTime);
            json.WriteString("bootId", BootId);
            json.WriteString("created", Created);
            json.WriteString("bundle", Bundle);
            json.WriteNumber("owner", Owner);
            Map(json, "cgroupPaths", CgroupPaths);
            Map(json, "namespacePaths", NamespacePaths);
            List(json, "externalDescriptors", ExternalDescriptors);
            if (IntelRdtPath is not null) json.WriteString("intelRdtPath", IntelRdtPath);
            json.WriteBoolean("noNewKeyring", NoNewKeyring);
            json.WritePropertyName("config");
            json.WriteRawValue(Config, skipInputValidation: true);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    /// <exception cref="JsonException">The document is not a state.</exception>
    public static ContainerState FromJson(ReadOnlyMemory<byte> bytes)
    {
        using var document = JsonDocument.Parse(bytes);
        var root = document.RootElement;
        if (root.ValueKind is not JsonValueKind.Object) throw new JsonException("not an object");
        return new ContainerState
        {
            Id = Read("id", Text),
            Pid = Read("initProcessPid", e => e.GetInt32()),
            StartTime = Read("initProcessStartTime", e => e.GetUInt64()),
            BootId = Read("bootId", Text),
            Created = Read("created", e => e.GetDateTimeOffset()),
            Bundle = Read("bundle", Text),
            Owner = Read("owner", e => e.GetUInt32()),
            CgroupPaths = Read("cgroupPaths", Texts),
            NamespacePaths = Read("namespacePaths", Texts),
            ExternalDescriptors = Read("externalDescriptors", e => e.EnumerateArray().Select(Text).ToArray()),
            IntelRdtPath = root.TryGetProperty("intelRdtPath", out _) ? Read("intelRdtPath", Text) : null,
            NoNewKeyring = Read("noNewKeyring", e => e.GetBoolean()),
            Config = Read("config", e => System.Text.Encoding.UTF8.GetBytes(e.GetRawText())),
        };

        T Read<T>(string name, Func<JsonElement, T> read)
        {
            if (!root.TryGetProperty(name, out var element)) throw new JsonException($"{name}: is missing");
            try
            {
                return read(element);
            }
            // wrong type; number out of range; duplicate key
            catch (Exception e) when (e is InvalidOperationException or FormatException or ArgumentException)
            {
                throw new JsonException($"{name}: has an invalid value", e);
            }
        }

        static string Text(JsonElement element) => element.GetString() ?? throw new FormatException("null");

        static Dictionary<string, string> Texts(JsonElement element) =>
            element.EnumerateObject().ToDictionary(p => p.Name, p => Text(p.Value));
    }

    private static void Map(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, string> map)
    {
        json.WriteStartObject(name);
        foreach (var (key, value) in map) json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static void List(Utf8JsonWriter json, string name, IReadOnlyList<string> list)
    {
        json.WriteStartArray(name);
        foreach (var value in list) json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
