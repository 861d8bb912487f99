using System.Text.RegularExpressions;
using Akka.Configuration;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Tests.Architecture;

/// <summary>
/// Types named by the configuration exist, in assemblies that are kept whole in the native executable: a type that is found by
/// name only would otherwise be missing at run time.
/// </summary>
public sealed partial class HoconTypeTests
{
    public static TheoryData<string> Configurations => ["supervisor.hocon", "Supervisor.Persistence.Sqlite"];

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Every_type_named_by_the_configuration_is_in_an_assembly_that_is_kept_whole(string configuration)
    {
        var text = configuration == "supervisor.hocon"
            ? File.ReadAllText(Path.Join(Repository.Root, "hocon", configuration))
            : SqlitePersistence.DefaultConfig.Root.ToString(1);
        var named = TypeName().Matches(text).Select(m => (Type: m.Groups[1].Value, Assembly: m.Groups[2].Value)).Distinct()
            .ToList();
        Assert.NotEmpty(named);
        var kept = KeptAssemblies();
        Assert.All(named, n =>
        {
            Assert.NotNull(Type.GetType($"{n.Type}, {n.Assembly}", throwOnError: false));
            Assert.Contains(n.Assembly, kept);
        });
    }

    [Fact]
    public void Assemblies_that_define_actors_are_kept_whole()
    {
        var kept = KeptAssemblies();
        var ours = new[] { typeof(Supervisor.Host.Hosting.DaemonHost).Assembly,
            typeof(Supervisor.Actors.SupervisorSystem).Assembly, typeof(SqlitePersistence).Assembly };
        foreach (var assembly in ours.Where(a => a.GetTypes().Any(typeof(Akka.Actor.ActorBase).IsAssignableFrom)))
            Assert.Contains(assembly.GetName().Name, kept);
    }

    private static string[] KeptAssemblies()
    {
        var project = File.ReadAllText(Path.Join(Repository.Root, "Supervisor.Host", "Supervisor.Host.csproj"));
        return Rooted().Match(project).Groups[1].Value.Split(';');
    }

    [GeneratedRegex(@"([A-Z][\w+]*(?:\.[A-Z][\w+`]*)+), ((?:Supervisor|Akka)[\w.]*)")]
    private static partial Regex TypeName();

    [GeneratedRegex("""<TrimmerRootAssembly Include="([^"]+)" />""")]
    private static partial Regex Rooted();
}
