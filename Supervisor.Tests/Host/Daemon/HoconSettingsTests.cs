using Akka.Configuration;
using Supervisor.Host.Daemon;

namespace Supervisor.Tests.Host.Daemon;

/// <summary>An unknown setting, or one of the wrong type, fails the startup with its line.</summary>
public sealed class HoconSettingsTests
{
    [Theory]
    [InlineData("supervisor.kernel-pool.workers = abc", "line 1: supervisor.kernel-pool.workers: is not a whole number")]
    [InlineData("supervisor {\n  kernel-pool {\n    workers = 0\n  }\n}",
        "line 3: supervisor.kernel-pool.workers: is not a whole number")]
    [InlineData("supervisor {\n  kernel-pool { wrokers = 4 }\n}",
        "line 2: supervisor.kernel-pool.wrokers: there is no such setting; did you mean supervisor.kernel-pool.workers?")]
    [InlineData("supervisor.events.keep-for = soon", "line 1: supervisor.events.keep-for: is not a time")]
    [InlineData("supervisor.events.keep-size = much", "line 1: supervisor.events.keep-size: is not a size")]
    [InlineData("\n\nsupervisor.logs.max-size = 12", "line 3: supervisor.logs.max-size: is not off, or a size")]
    [InlineData("supervisor.logs = 3", "line 1: supervisor.logs: is not settings in braces")]
    [InlineData("supervisr.logs.max-size = 1m", "line 1: supervisr.logs.max-size: there is no such setting")]
    [InlineData("workers = 8", "line 1: workers: there is no such setting")]
    public void An_unknown_setting_or_one_of_the_wrong_type_is_refused_with_its_line(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => Check(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("supervisor {\n kernel-pool { workers = 4 }\n kernel-pool.deadline = 500ms\n logs { max-size = off }\n}")]
    [InlineData("supervisor.log-binaries = [\"/usr/bin\"]\nakka.loglevel = DEBUG\nakka.actor.default-dispatcher.throughput = 9")]
    public void A_valid_setting_is_accepted(string text) => Check(text);

    [Fact]
    public void The_packaged_file_has_every_setting_and_no_other()
    {
        var text = File.ReadAllText(Path.Join(Repository.Root, "hocon/supervisor.hocon"));
        Check(text);
        var set = HoconGuard.Check(text).Select(s => s.Path).ToHashSet();
        Assert.All(HoconSettings.Names, name => Assert.Contains(name, set));
    }

    private static void Check(string text) => HoconSettings.Check(ConfigurationFactory.ParseString(text), HoconGuard.Check(text));
}
