using System.Text.Json;
using Grpc.Core;
using Supervisor.Registry.Manifests;

namespace Supervisor.Host.Services.Transfer;

/// <summary>The platform that an image's configuration says. OCI image-spec, config.md.</summary>
internal static class ImagePlatform
{
    internal static Platform Of(byte[] config, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(config);
            var root = document.RootElement;
            return Platform.Parse(string.Join('/', new[] { Text("os"), Text("architecture"), Text("variant") }.Where(t =>
                t.Length > 0)));

            string Text(string field) =>
                root.TryGetProperty(field, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, $"{name} is not an image's configuration: {e.Message}");
        }
    }
}
