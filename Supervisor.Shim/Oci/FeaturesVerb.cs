using System.Text;
using System.Text.Json;
using Supervisor.Runtime.Oci;

namespace Supervisor.Shim.Oci;

/// <summary><c>features</c>: what this runtime supports, as the specification's features document.</summary>
internal static class FeaturesVerb
{
    public static readonly Verb Verb = new("features", "", "show what this runtime supports", [], 0, 0, Run);

    private static int Run(Invocation invocation)
    {
        Streams.Write(Encoding.UTF8.GetString(Document()) + "\n");
        return 0;
    }

    /// <summary>The document's JSON.</summary>
    public static byte[] Document()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("ociVersionMin", "1.0.0");
            json.WriteString("ociVersionMax", DefaultSpec.Version);
            List(json, "hooks", RuntimeFeatures.Hooks);
            List(json, "mountOptions", RuntimeFeatures.MountOptions);
            json.WriteStartObject("linux");
            List(json, "namespaces", RuntimeFeatures.Namespaces);
            List(json, "capabilities", Capability.Names);
            json.WriteStartObject("cgroup");
            json.WriteBoolean("v1", true);
            json.WriteBoolean("v2", true);
            json.WriteBoolean("systemd", false);
            json.WriteBoolean("systemdUser", false);
            json.WriteBoolean("rdma", RuntimeFeatures.Rdma);
            json.WriteEndObject();
            json.WriteStartObject("seccomp");
            json.WriteBoolean("enabled", RuntimeFeatures.Seccomp);
            List(json, "actions", SeccompWords.Actions.Keys.Order(StringComparer.Ordinal));
            List(json, "operators", SeccompWords.Comparisons.Keys.Order(StringComparer.Ordinal));
            List(json, "archs", SeccompWords.Architectures.Order(StringComparer.Ordinal));
            List(json, "knownFlags", SeccompWords.Flags.Keys);
            List(json, "supportedFlags", SeccompWords.Flags.Keys);
            json.WriteEndObject();
            Enabled(json, "apparmor", RuntimeFeatures.AppArmor);
            Enabled(json, "selinux", RuntimeFeatures.SELinux);
            Enabled(json, "intelRdt", RuntimeFeatures.IntelRdt);
            Enabled(json, "netDevices", true);
            json.WriteStartObject("memoryPolicy");
            List(json, "modes", MemoryPolicyRules.Modes.Keys);
            List(json, "flags", MemoryPolicyRules.Flags.Keys);
            json.WriteEndObject();
            json.WriteStartObject("mountExtensions");
            Enabled(json, "idmap", RuntimeFeatures.IdMappedMounts);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartObject("annotations");
            json.WriteString("org.supervisor.version", OciCommandLine.Version);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    private static void List(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static void Enabled(Utf8JsonWriter json, string name, bool enabled)
    {
        json.WriteStartObject(name);
        json.WriteBoolean("enabled", enabled);
        json.WriteEndObject();
    }
}
