using System.Reflection;
using System.Text.RegularExpressions;

namespace Supervisor.Tests.Architecture;

/// <summary>Which project may use which: read from the built assemblies, and inside Actors from the source.</summary>
public partial class DependencyTests
{
    public static TheoryData<string, string[]> Layers => new()
    {
        { "Supervisor.Protos", ["Google.Protobuf", "Grpc.Core.Api"] },
        { "Supervisor.Kernel", ["Tmds.LibC"] },
        { "Supervisor.Runtime", ["Supervisor.Kernel", "Tmds.LibC"] },
        { "Supervisor.Registry", ["Tomlyn"] },
        { "Supervisor.Storage", ["Supervisor.Kernel", "Tmds.LibC", "ZstdSharp"] },
        { "Supervisor.Actors",
            ["Supervisor.Kernel", "Supervisor.Runtime", "Supervisor.Storage", "Supervisor.Persistence.Sqlite",
            "Supervisor.Protos", "Akka", "Akka.Persistence", "Google.Protobuf", "Grpc.Core.Api", "Microsoft.Data.Sqlite"] },
        { "Supervisor.Client", ["Supervisor.Protos", "Google.Protobuf", "Grpc.Core.Api", "Grpc.Net.Client"] },
        { "supervisor",
            ["Supervisor.Client", "Supervisor.Registry", "Supervisor.Runtime", "Supervisor.Storage", "Supervisor.Kernel",
            "Supervisor.Protos", "Google.Protobuf", "Grpc.Core.Api", "Grpc.Net.Client", "Tmds.LibC"] },
        { "Supervisor.Persistence.Sqlite", ["Akka", "Akka.Persistence", "Microsoft.Data.Sqlite", "SQLitePCLRaw.core"] },
    };

    [Theory]
    [MemberData(nameof(Layers))]
    public void A_layer_references_only_the_layers_below_it(string assembly, string[] allowed) =>
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
    public void Nothing_but_the_launcher_makes_a_process() =>
        Assert.All(Products(), file => Assert.Equal((file, ""), (file, MakesProcess().Match(Code(file)).Value)));

    [Fact]
    public void No_bare_pid_is_ever_signalled() =>
        Assert.All(Products(), file => Assert.Equal((file, ""), (file, SignalsPid().Match(Code(file)).Value)));

    [Theory]
    [InlineData("internal static partial int fork();", true)]
    [InlineData("[LibraryImport(\"libc\", EntryPoint = \"vfork\")] static partial int Begin();", true)]
    [InlineData("var pid = LibC.fork ( );", true)]
    [InlineData("using var p = Process.Start(\"true\");", true)]
    [InlineData("// as fork(2) would", false)]
    [InlineData("throw new SyscallException(\"fork(2)\");", false)]
    [InlineData("Unfork(process);", false)]
    public void The_rule_about_processes_covers_every_way_to_create_one(string line, bool isSeen) =>
        Assert.Equal(isSeen, MakesProcess().IsMatch(WithoutText(line)));

    [Theory]
    [InlineData("static partial int kill(int pid, int signal);", true)]
    [InlineData("LibC.kill(pid, 9);", true)]
    [InlineData("[DllImport(\"libc\", EntryPoint = \"tgkill\")]", true)]
    [InlineData("// kill(2)", false)]
    [InlineData("container.Kill(9);", false)]
    public void The_rule_about_signals_covers_every_way_to_send_one(string line, bool isSeen) =>
        Assert.Equal(isSeen, SignalsPid().IsMatch(WithoutText(line)));

    [Fact]
    public void Foreign_functions_are_declared_in_one_place() => Assert.Equal(
        ["Abi/Native.cs", "Comparison/CommandTurns.cs", "Launch/LaunchRoutine.cs", "Launch/PidPage.cs", "Seccomp/LibSeccomp.cs",
            "Stdio/Fifo.cs", "Store/DiskReserve.cs", "Store/ResultRow.cs"],
        Sources("").Where(f =>
            !f.Contains("/Supervisor.Tests/", StringComparison.Ordinal) && Import().IsMatch(File.ReadAllText(f)))
            .Select(f => string.Join('/', f.Split('/')[^2..])).Order(StringComparer.Ordinal));

    private static IEnumerable<string> References(string assembly) => Assembly.Load(assembly).GetReferencedAssemblies()
        .Select(a => a.Name!)
            .Where(n => !n.StartsWith("System", StringComparison.Ordinal)
            && n is not ("netstandard" or "mscorlib" or "Microsoft.Win32.Primitives"));

    private static IEnumerable<string> Sources(string project) =>
        Directory.EnumerateFiles(Path.Join(Repository.Root, project), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal));

    /// <summary>All sources except those of tests and benchmarks.</summary>
    private static IEnumerable<string> Products() => Directory.EnumerateDirectories(Repository.Root, "Supervisor.*")
        .Select(d => Path.GetFileName(d)).Where(d => d != "Supervisor.Tests").SelectMany(Sources);

    private static string Code(string file) => string.Join('\n', File.ReadLines(file).Select(WithoutText));

    /// <summary>A line without comments, and without string literals except names of entry points.</summary>
    private static string WithoutText(string line) => Comment().Replace(Text().Replace(line, ""), "");

    [GeneratedRegex(@"(?<!EntryPoint\s*=\s*)""(?:[^""\\]|\\.)*""")]
    private static partial Regex Text();

    [GeneratedRegex("//.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\bProcess\.Start\b|\bProcessStartInfo\b|\b(fork|vfork|posix_spawnp?|popen)\s*\(|EntryPoint\s*=\s*""(fork|vfork|posix_spawnp?|popen|system)""")]
    private static partial Regex MakesProcess();

    [GeneratedRegex(@"\b(kill|tkill|tgkill|killpg|sigqueue)\s*\(|EntryPoint\s*=\s*""(kill|tkill|tgkill|killpg|sigqueue)""")]
    private static partial Regex SignalsPid();

    [GeneratedRegex(@"^\s*\[(LibraryImport|DllImport)\(", RegexOptions.Multiline)]
    private static partial Regex Import();

    [GeneratedRegex(@"(Machine|State|Protocol)\.cs$")]
    private static partial Regex Pure();

    [GeneratedRegex(@"\basync\b|\bDateTime(Offset)?\.(Utc)?Now\b|\bGuid\.NewGuid\b|\bFile\.|\bTimeProvider\b")]
    private static partial Regex Impure();
}
