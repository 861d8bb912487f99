using System.Text.RegularExpressions;

namespace Supervisor.Tests.Architecture;

/// <summary>Between the folders of a project arrows point one way: read off the namespaces that each folder's source names.</summary>
public sealed class RoomTests
{
    [Theory]
    [InlineData("Supervisor.Kernel")]
    [InlineData("Supervisor.Runtime")]
    [InlineData("Supervisor.Storage")]
    [InlineData("Supervisor.Persistence.Sqlite")]
    [InlineData("Supervisor.Shim")]
    public void No_two_rooms_use_each_other(string project)
    {
        var arrows = Arrows(project);
        Assert.NotEmpty(arrows);
        Assert.Equal("", Cycle(arrows));
    }

    [Fact]
    public void A_cycle_is_named()
    {
        var arrows = new Dictionary<string, IReadOnlySet<string>>
        {
            ["A"] = new HashSet<string> { "B" }, ["B"] = new HashSet<string> { "C" }, ["C"] = new HashSet<string> { "B" },
        };
        Assert.Equal("B -> C -> B", Cycle(arrows));
    }

    [Theory]
    [InlineData("using Supervisor.Runtime.Hooks;", "Hooks")]
    [InlineData("using static Supervisor.Runtime.Oci.QuickJson;", "Oci")]
    [InlineData("/// <see cref=\"Runtime.Stdio.Pump\"/>", "Stdio")]
    [InlineData("Runtime.Launch.Launcher.Launch();", "Launch")]
    [InlineData("plan.Hooks.Run();", "")]
    public void A_use_is_seen_however_it_is_written(string line, string room) =>
        Assert.Equal(room, string.Join(" ", Uses("Supervisor.Runtime", line)));

    /// <summary>For each folder, the folders of the same project that its source names.</summary>
    private static Dictionary<string, IReadOnlySet<string>> Arrows(string project)
    {
        var root = Path.Join(Repository.Root, project);
        var arrows = new Dictionary<string, IReadOnlySet<string>>(StringComparer.Ordinal);
        foreach (var folder in Directory.EnumerateDirectories(root).Where(d => Path.GetFileName(d) is not ("bin" or "obj")))
        {
            var used = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
                .SelectMany(f => Uses(project, File.ReadAllText(f))).Where(r => Directory.Exists(Path.Join(root, r))).ToHashSet(StringComparer.Ordinal);
            used.Remove(Path.GetFileName(folder));
            arrows[Path.GetFileName(folder)] = used;
        }
        return arrows;
    }

    private static IEnumerable<string> Uses(string project, string source)
    {
        var name = Regex.Escape(project["Supervisor.".Length..]);
        return Regex.Matches(source, $@"(?:Supervisor\.|(?<![\w.])){name}\.([A-Z]\w*)").Select(m => m.Groups[1].Value).Distinct();
    }

    private static string Cycle(IReadOnlyDictionary<string, IReadOnlySet<string>> arrows)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var room in arrows.Keys.Order(StringComparer.Ordinal))
            if (Visit(room, []) is { } cycle) return cycle;
        return "";

        string? Visit(string room, List<string> way)
        {
            if (way.IndexOf(room) is >= 0 and var from) return string.Join(" -> ", [.. way[from..], room]);
            if (!done.Add(room)) return null;
            foreach (var next in arrows.GetValueOrDefault(room, new HashSet<string>()).Order(StringComparer.Ordinal))
                if (Visit(next, [.. way, room]) is { } cycle) return cycle;
            return null;
        }
    }
}
