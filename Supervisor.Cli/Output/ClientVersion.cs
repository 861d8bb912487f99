using System.Reflection;

namespace Supervisor.Cli.Output;

/// <summary>The version of this program.</summary>
internal static class ClientVersion
{
    private static readonly string[] Parts = (typeof(ClientVersion).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0").Split('+', 2);

    public static string Version => Parts[0];

    /// <summary>The SDK appends it when it builds from a source tree that it knows.</summary>
    public static string Revision => Parts.Length > 1 ? Parts[1] : "unknown";
}
