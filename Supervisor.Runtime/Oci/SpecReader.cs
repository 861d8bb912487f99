using System.Text.Json;
using static Supervisor.Runtime.Oci.JsonValues;

namespace Supervisor.Runtime.Oci;

/// <summary>
/// Reads <c>config.json</c> strictly: a duplicate name, a null in a list, a number that does not fit or an id that would
/// wrap is an error that names its place. Names that the specification does not define are ignored, as it demands. Contents are
/// checked by <see cref="SpecValidator"/>.
/// </summary>
/// <remarks>
/// By hand, because the metadata of a deserializer cost a short-lived process a fifth of a container's run time
/// (docs/performance.md).
/// </remarks>
public static class SpecReader
{
    /// <summary>Largest document, bytes. containerd's messages are limited to 16 MiB; real specs are some 20 KiB.</summary>
    public const int LargestDocument = 1 << 20;

    /// <summary>Reads a whole spec.</summary>
    /// <exception cref="InvalidSpecException">The document is invalid.</exception>
    public static Spec Read(ReadOnlySpan<byte> document) => Read(document, ReadSpec);

    /// <summary>Reads the process of an exec (containerd's <c>Exec</c> request, <c>runc exec --process</c>).</summary>
    /// <exception cref="InvalidSpecException">The document is invalid.</exception>
    public static ProcessSpec ReadProcess(ReadOnlySpan<byte> document) => Read(document, ProcessReader.Read);

    /// <summary>Reads new limits (containerd's <c>Update</c> request, <c>runc update --resources</c>).</summary>
    /// <exception cref="InvalidSpecException">The document is invalid.</exception>
    public static ResourcesSpec ReadResources(ReadOnlySpan<byte> document) => Read(document, ResourcesReader.Read);

    /// <summary>Reads a seccomp profile alone, and validates it.</summary>
    /// <exception cref="InvalidSpecException">The document is invalid.</exception>
    public static SeccompSpec ReadSeccomp(ReadOnlySpan<byte> document)
    {
        var profile = Read(document, SeccompReader.Read);
        SeccompRules.Check(profile, "");
        return profile;
    }

    private static T Read<T>(ReadOnlySpan<byte> document, Reader<T> read)
    {
        if (document.Length > LargestDocument)
            throw new InvalidSpecException("$", $"has {document.Length} bytes, the limit is {LargestDocument}");
        DocumentForm.Check(document);
        var json = new Utf8JsonReader(document);
        json.Read();
        try
        {
            return read(ref json);
        }
        catch (UnreadableValueException e)
        {
            throw new InvalidSpecException(DocumentForm.PathAt(document, e.At) + e.Member, e.Message, e);
        }
    }

    private static Spec ReadSpec(ref Utf8JsonReader json) =>
        ReadObject(ref json, new Spec(), static (ref json, name, spec) => name switch
        {
            "ociVersion" => spec with { OciVersion = ReadString(ref json) },
            "process" => spec with { Process = OrNull(ref json, ProcessReader.Read) },
            "root" => spec with { Root = OrNull(ref json, ReadRoot) },
            "hostname" => spec with { Hostname = ReadString(ref json) },
            "domainname" => spec with { Domainname = ReadString(ref json) },
            "mounts" => spec with { Mounts = ReadList(ref json, ReadMount) },
            "hooks" => spec with { Hooks = OrNull(ref json, HooksReader.Read) },
            "annotations" => spec with { Annotations = ReadMap(ref json, ReadString) },
            "linux" => spec with { Linux = OrNull(ref json, LinuxReader.Read) },
            "vm" => spec with { Vm = Optional(ref json, JsonElement.ParseValue) },
            _ => Skip(ref json, spec),
        });

    private static RootSpec ReadRoot(ref Utf8JsonReader json) =>
        ReadObject(ref json, new RootSpec(), static (ref json, name, root) => name switch
        {
            "path" => root with { Path = ReadString(ref json) },
            "readonly" => root with { Readonly = ReadBoolean(ref json) },
            _ => Skip(ref json, root),
        });

    private static MountSpec ReadMount(ref Utf8JsonReader json) =>
        ReadObject(ref json, new MountSpec(), static (ref json, name, mount) => name switch
        {
            "destination" => mount with { Destination = ReadString(ref json) },
            "type" => mount with { Type = ReadString(ref json) },
            "source" => mount with { Source = ReadString(ref json) },
            "options" => mount with { Options = ReadStrings(ref json) },
            "uidMappings" => mount with { UidMappings = IdValues.ReadMappings(ref json) },
            "gidMappings" => mount with { GidMappings = IdValues.ReadMappings(ref json) },
            _ => Skip(ref json, mount),
        });
}
