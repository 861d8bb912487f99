using System.Text;
using System.Text.Json.Nodes;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Oci;

/// <summary>Specs as ctr and dockerd send them, and changes to them.</summary>
internal static class Fixture
{
    public static byte[] Bytes(string name) =>
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", "specs", name));

    /// <summary>A whole document: containerd's spec after <paramref name="change"/>.</summary>
    public static byte[] Changed(Action<JsonObject> change)
    {
        var document = JsonNode.Parse(Bytes("ctr.json"))!.AsObject();
        change(document);
        return Encoding.UTF8.GetBytes(document.ToJsonString());
    }

    public static void ReadAndValidate(byte[] json) => SpecValidator.Validate(SpecReader.Read(json));
}
