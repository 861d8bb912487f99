using System.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using VersionBase = Containerd.Services.Version.V1.Version.VersionBase;
using VersionResponse = Containerd.Services.Version.V1.VersionResponse;

namespace Supervisor.Host.Services;

/// <summary>containerd.services.version.v1.</summary>
public sealed class VersionService : VersionBase
{
    /// <summary>Ours, not containerd's: clients only show it.</summary>
    public static (string Version, string Revision) Own { get; } = Split(
        typeof(VersionService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? "0.0.0");

    /// <inheritdoc/>
    public override Task<VersionResponse> Version(Empty request, ServerCallContext context) =>
        Task.FromResult(new VersionResponse { Version = Own.Version, Revision = Own.Revision });

    /// <summary>The SDK writes <c>version+revision</c> when it builds from a source tree it knows.</summary>
    private static (string, string) Split(string text) =>
        text.Split('+', 2) is [var version, var revision] ? (version, revision) : (text, "unknown");
}
