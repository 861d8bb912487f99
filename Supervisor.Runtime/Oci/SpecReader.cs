using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Supervisor.Runtime.Oci;

/// <summary>
/// Reads <c>config.json</c> strictly: a duplicate name, a null in a list, a number that does not fit or an id that would
/// wrap is an error that names its place. Names that the specification does not define are ignored, as it demands.
/// </summary>
public static class SpecReader
{
    /// <summary>Largest document, bytes. containerd's messages are limited to 16 MiB; real specs are some 20 KiB.</summary>
    public const int LargestDocument = 1 << 20;

    /// <summary>Reads a whole spec. Checks its form only; <see cref="SpecValidator"/> checks its contents.</summary>
    /// <exception cref="InvalidSpecException">The document is invalid.</exception>
    public static Spec Read(ReadOnlySpan<byte> json)
    {
        CheckForm(json);
        var spec = QuickSpecReader.TryRead(json) ?? Deserialize(json, SpecJson.Of<Spec>());
        if (spec.Process is { } process) CheckIds(process, "process.");
        CheckValues("annotations", spec.Annotations);
        for (var i = 0; i < spec.Mounts.Count; i++)
        {
            CheckMappings($"mounts[{i}].uidMappings", spec.Mounts[i].UidMappings);
            CheckMappings($"mounts[{i}].gidMappings", spec.Mounts[i].GidMappings);
        }
        if (spec.Linux is not { } linux) return spec;
        CheckValues("linux.sysctl", linux.Sysctl);
        CheckValues("linux.timeOffsets", linux.TimeOffsets);
        CheckValues("linux.netDevices", linux.NetDevices);
        CheckMappings("linux.uidMappings", linux.UidMappings);
        CheckMappings("linux.gidMappings", linux.GidMappings);
        if (linux.Resources is { } resources)
        {
            CheckValues("linux.resources.unified", resources.Unified);
            CheckValues("linux.resources.rdma", resources.Rdma);
        }
        for (var i = 0; i < linux.Devices.Count; i++)
        {
            if (linux.Devices[i].Uid is uint uid) CheckId($"linux.devices[{i}].uid", uid);
            if (linux.Devices[i].Gid is uint gid) CheckId($"linux.devices[{i}].gid", gid);
        }
        return spec;
    }

    /// <summary>Reads the process of an exec (containerd's <c>Exec</c> request, <c>runc exec --process</c>).</summary>
    /// <exception cref="InvalidSpecException">The document is invalid.</exception>
    public static ProcessSpec ReadProcess(ReadOnlySpan<byte> json)
    {
        CheckForm(json);
        var process = QuickSpecReader.TryReadProcess(json) ?? Deserialize(json, SpecJson.Of<ProcessSpec>());
        CheckIds(process, "");
        return process;
    }

    /// <summary>Reads new limits (containerd's <c>Update</c> request, <c>runc update --resources</c>).</summary>
    /// <exception cref="InvalidSpecException">The document is invalid.</exception>
    public static ResourcesSpec ReadResources(ReadOnlySpan<byte> json)
    {
        CheckForm(json);
        var resources = Deserialize(json, SpecJson.Of<ResourcesSpec>());
        CheckValues("unified", resources.Unified);
        CheckValues("rdma", resources.Rdma);
        return resources;
    }

    /// <summary>Reads a seccomp profile alone, and validates it.</summary>
    /// <exception cref="InvalidSpecException">The document is invalid.</exception>
    public static SeccompSpec ReadSeccomp(ReadOnlySpan<byte> json)
    {
        CheckForm(json);
        var profile = Deserialize(json, SpecJson.Of<SeccompSpec>());
        SeccompRules.Check(profile, "");
        return profile;
    }

    private static void CheckForm(ReadOnlySpan<byte> json)
    {
        if (json.Length > LargestDocument)
            throw new InvalidSpecException("$", $"has {json.Length} bytes, the limit is {LargestDocument}");
        DocumentForm.Check(json);
    }

    /// <summary>Uses the deserializer; for a document whose form has been checked.</summary>
    internal static T Deserialize<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new InvalidSpecException("$", "is null");
        }
        catch (JsonException e)
        {
            throw new InvalidSpecException(Field(e), Reason(e), e);
        }
    }

    private static string Field(JsonException e) => e.Path switch
    {
        null or "" or "$" => "$",
        ['$', '.', .. var rest] => rest,
        ['$', .. var rest] => rest,
        var path => path,
    };

    // "The JSON value could not be converted to System.UInt32. Path: …": users know the spec's types, not ours.
    private static string Reason(JsonException e)
    {
        var kinds = ((string Type, string Text)[])
        [
            ("System.UInt16", "a whole number of 0 to 65535"), ("System.UInt32", "a whole number of 0 to 4294967295"),
            ("System.UInt64", "a whole number of 0 to 18446744073709551615"), ("System.Int32", "a whole number of 32 bits"),
            ("System.Int64", "a whole number of 64 bits"), ("System.Boolean", "true or false"), ("System.String", "a string"),
            ("IReadOnlyList", "a list"), ("IReadOnlyDictionary", "an object"),
        ];
        var expected = kinds.FirstOrDefault(n => e.Message.Contains(n.Type, StringComparison.Ordinal)).Text;
        return expected is null ? "has the wrong type" : $"is not {expected}";
    }

    private static void CheckIds(ProcessSpec process, string prefix)
    {
        CheckId(prefix + "user.uid", process.User.Uid);
        CheckId(prefix + "user.gid", process.User.Gid);
        for (var i = 0; i < process.User.AdditionalGids.Count; i++)
            CheckId($"{prefix}user.additionalGids[{i}]", process.User.AdditionalGids[i]);
    }

    // (uid_t)-1 makes setresuid(2), chown(2) and others leave an id unchanged: the process would stay root.
    internal static void CheckId(string field, uint id)
    {
        if (id == uint.MaxValue)
            throw new InvalidSpecException(field, "4294967295 is not an id: the kernel takes it as \"no change\"");
    }

    private static void CheckMappings(string field, IReadOnlyList<IdMappingSpec> mappings)
    {
        for (var i = 0; i < mappings.Count; i++)
        {
            var m = mappings[i];
            if (m.Size == 0) throw new InvalidSpecException($"{field}[{i}].size", "must be at least 1");
            if ((ulong)m.ContainerID + m.Size > uint.MaxValue)
                throw new InvalidSpecException($"{field}[{i}].containerID", "the range exceeds the last id");
            if ((ulong)m.HostID + m.Size > uint.MaxValue)
                throw new InvalidSpecException($"{field}[{i}].hostID", "the range exceeds the last id");
        }
    }

    private static void CheckValues<T>(string field, IReadOnlyDictionary<string, T> map) where T : class
    {
        foreach (var (key, value) in map)
            if (value is null) throw new InvalidSpecException(InvalidSpecException.Key(field, key), "is null");
    }
}
