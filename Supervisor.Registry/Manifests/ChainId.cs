using System.Security.Cryptography;
using System.Text;

namespace Supervisor.Registry.Manifests;

/// <summary>The name of a snapshot of layers. OCI image-spec, config.md, "Layer ChainID".</summary>
public static class ChainId
{
    /// <param name="parent">Of the layers below; empty for the lowest.</param>
    /// <param name="diffId">The digest of the layer's plain tar.</param>
    public static string Of(string parent, string diffId)
    {
        ArgumentNullException.ThrowIfNull(parent);
        return parent.Length == 0
            ? diffId : "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{parent} {diffId}")));
    }
}
