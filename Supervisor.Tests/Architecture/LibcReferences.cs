using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Tmds.Linux;

namespace Supervisor.Tests.Architecture;

/// <summary>Functions and constants of Tmds.LibC that our assemblies use: read from their metadata.</summary>
internal static class LibcReferences
{
    private static readonly string[] Ours =
        ["Supervisor.Kernel", "Supervisor.Runtime", "Supervisor.Storage", "supervisor-shim", "supervisor-daemon", "supervisor"];

    /// <summary>Functions, and wrappers of functions.</summary>
    public static IReadOnlyList<MethodInfo> Calls { get; } = [.. Members().SelectMany(Methods).Where(m => !m.IsSpecialName)];

    /// <summary>Names of constants.</summary>
    public static IReadOnlyList<string> Constants { get; } =
    [
        .. Members().Where(n => n.StartsWith("get_", StringComparison.Ordinal)).Select(n => n["get_".Length..])
            .Except(["errno"]).Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<MethodInfo> Methods(string name) =>
        typeof(LibC).GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic).Where(m => m.Name == name);

    private static HashSet<string> Members() => [.. Ours.SelectMany(a => Members(Assembly.Load(a).Location))];

    private static IEnumerable<string> Members(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        return
        [
            .. metadata.MemberReferences.Select(metadata.GetMemberReference).Where(m => IsLibC(metadata, m.Parent))
                .Select(m => metadata.GetString(m.Name)),
        ];
    }

    private static bool IsLibC(MetadataReader metadata, EntityHandle parent) =>
        parent.Kind is HandleKind.TypeReference
        && metadata.GetTypeReference((TypeReferenceHandle)parent) is var type
        && metadata.GetString(type.Name) == nameof(LibC) && metadata.GetString(type.Namespace) == "Tmds.Linux";
}
