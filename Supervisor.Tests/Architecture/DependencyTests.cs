using System.Reflection;
using System.Text.RegularExpressions;

namespace Supervisor.Tests.Architecture;

/// <summary>Who may know whom: read off the built assemblies, and inside Actors off the source.</summary>
public partial class DependencyTests
{
    public static TheoryData<string, string[]> Layers => new()
    {
        { "Supervisor.Protos", ["Google.Protobuf", "Grpc.Core.Api"] },
        { "Supervisor.Kernel", ["Tmds.LibC"] },
        { "Supervisor.Storage", ["Supervisor.Kernel", "Tmds.LibC", "ZstdSharp"] },
        { "Supervisor.Actors", ["Supervisor.Kernel", "Supervisor.Storage", "Supervisor.Persistence.Sqlite", "Supervisor.Protos", "Akka", "Akka.Persistence", "Google.Protobuf", "Grpc.Core.Api", "Microsoft.Data.Sqlite"] },
        { "Supervisor.Persistence.Sqlite", ["Akka", "Akka.Persistence", "Microsoft.Data.Sqlite", "SQLitePCLRaw.core"] },
    };

    [Theory]
    [MemberData(nameof(Layers))]
    public void A_layer_knows_only_the_layers_below_it(string assembly, string[] allowed) =>
        Assert.Empty(References(assembly).Except(allowed));

    [Fact]
    public void A_machine_its_states_and_its_protocol_are_pure()
    {
        foreach (var file in Sources("Supervisor.Actors").Where(f => Pure().IsMatch(Path.GetFileName(f))))
        {
            var source = File.ReadAllText(file);
            Assert.Equal((file, ""), (file, Impure().Match(source).Value));
        }
    }

    [Fact]
    public void Nothing_but_the_launcher_makes_a_process()
    {
        foreach (var file in Sources("Supervisor.Kernel").Concat(Sources("Supervisor.Storage")).Concat(Sources("Supervisor.Actors")).Concat(Sources("Supervisor.Host")).Concat(Sources("Supervisor.Shim")))
            Assert.DoesNotMatch(@"\bProcess\.Start\b|\bProcessStartInfo\b|EntryPoint = ""(fork|vfork|posix_spawn)""", File.ReadAllText(file));
    }

    [Fact]
    public void No_bare_pid_is_ever_signalled()
    {
        foreach (var file in Sources("Supervisor.Kernel").Concat(Sources("Supervisor.Storage")).Concat(Sources("Supervisor.Actors")).Concat(Sources("Supervisor.Host")).Concat(Sources("Supervisor.Shim")))
            Assert.DoesNotMatch(@"partial int (kill|tkill|tgkill)\(", File.ReadAllText(file));
    }

    [Fact]
    public void Foreign_functions_are_declared_in_one_place() => Assert.Equal(
        ["Abi/Native.cs", "Launch/LaunchRoutine.cs", "Launch/PidPage.cs", "Seccomp/LibSeccomp.cs"],
        Sources("").Where(f => !f.Contains("/Supervisor.Tests/", StringComparison.Ordinal) && Import().IsMatch(File.ReadAllText(f)))
            .Select(f => string.Join('/', f.Split('/')[^2..])).Order(StringComparer.Ordinal));

    private static IEnumerable<string> References(string assembly) => Assembly.Load(assembly).GetReferencedAssemblies()
        .Select(a => a.Name!).Where(n => !n.StartsWith("System", StringComparison.Ordinal) && n is not ("netstandard" or "mscorlib" or "Microsoft.Win32.Primitives"));

    private static IEnumerable<string> Sources(string project) =>
        Directory.EnumerateFiles(Path.Join(Repository.Root, project), "*.cs", SearchOption.AllDirectories).Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal));

    [GeneratedRegex(@"^\s*\[(LibraryImport|DllImport)\(", RegexOptions.Multiline)]
    private static partial Regex Import();

    [GeneratedRegex(@"(Machine|State|Protocol)\.cs$")]
    private static partial Regex Pure();

    [GeneratedRegex(@"\basync\b|\bDateTime(Offset)?\.(Utc)?Now\b|\bGuid\.NewGuid\b|\bFile\.|\bTimeProvider\b")]
    private static partial Regex Impure();
}
