using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Supervisor.Kernel.Processes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>./supervisor bench, with the products and the benchmark program that are built already.</summary>
[Collection(Alone.Name)]
public sealed class BenchmarkTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("supervisor-bench-");

    private string Output => Path.Join(_directory.FullName, "output.md");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Sections_are_measured_and_written_to_a_file_and_nothing_is_left()
    {
        var run = await Bench("--quick", "--rounds", "3", "oci", "exec", "--output", Output);
        Ok(run);
        var report = await File.ReadAllTextAsync(Output);
        Assert.StartsWith("<!-- bench -->\n", report, StringComparison.Ordinal);
        Assert.EndsWith("<!-- /bench -->\n", report, StringComparison.Ordinal);
        Assert.Contains("### supervisor-oci run\n", report, StringComparison.Ordinal);
        Assert.Contains("### Exec\n", report, StringComparison.Ordinal);
        Assert.DoesNotContain("### Kill", report, StringComparison.Ordinal);
        foreach (var row in (string[])
            ["wall time, p50, ms", "wall time, p99, ms", "an exec, p50, ms", "execs a second, 8 in flight"])
            Assert.True(Ours(report, row) > 0, $"{row}: {report}");
        Assert.Contains(" cores (", report, StringComparison.Ordinal);
        Assert.Contains("load average", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_part_of_a_document_between_the_markers_is_replaced_and_the_rest_stays()
    {
        await File.WriteAllTextAsync(Output, "# Before\n\n<!-- bench -->\nold\n<!-- /bench -->\n\nafter\n");
        Ok(await Bench("--quick", "grpc-server", "--output", Output));
        var document = await File.ReadAllTextAsync(Output);
        Assert.StartsWith("# Before\n\n<!-- bench -->\n", document, StringComparison.Ordinal);
        Assert.EndsWith("\n<!-- /bench -->\n\nafter\n", document, StringComparison.Ordinal);
        Assert.DoesNotContain("old", document, StringComparison.Ordinal);
        Assert.True(Ours(document, "`grpc-server-streaming`, messages/s") > 0, document);
    }

    [Theory]
    [InlineData("\"nonsense\"", "nonsense")]
    [InlineData("\"--nonsense\"", "--nonsense")]
    [InlineData("--seconds", "--seconds", "0")]
    [InlineData("/nonexistent", "/nonexistent/bin")]
    public async Task An_invalid_argument_is_named_and_nothing_is_measured(string named, params string[] arguments)
    {
        var run = await Bench([.. arguments, "--output", Output]);
        Assert.Equal(2, run.Status);
        Assert.Contains(named, run.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Output));
    }

    [Fact]
    public async Task A_file_without_markers_is_not_replaced()
    {
        await File.WriteAllTextAsync(Output, "a document\n");
        var run = await Bench("--quick", "grpc-server", "--output", Output);
        Assert.Equal(2, run.Status);
        Assert.Contains("<!-- bench -->", run.Errors, StringComparison.Ordinal);
        Assert.Equal("a document\n", await File.ReadAllTextAsync(Output));
    }

    [Fact]
    public async Task Nothing_is_left_of_a_run_that_is_stopped()
    {
        using var run = Start(["life", "--rounds", "10000", "--output", Output]);
        var (output, errors) = (run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEndAsync());
        await Eventually.IsTrue(() => Cgroups(run).Any(c => Directory.EnumerateDirectories(c, "bench-daemon-*").Any()));
        using (var pidfd = Pidfd.TryOpen(run.Id)) pidfd!.TrySignal(Signal.SIGTERM);
        await EndedAsync(run);
        Assert.True(run.ExitCode == 143, $"{run.ExitCode}: {await output}{await errors}");
        AssertNothingIsLeft(run);
    }

    private async Task<Outcome> Bench(params string[] arguments)
    {
        using var run = Start(arguments);
        var (output, errors) = (run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEndAsync());
        await EndedAsync(run);
        AssertNothingIsLeft(run);
        return new Outcome(run.ExitCode, await output, await errors);
    }

    private static Process Start(string[] arguments)
    {
        var run = CommandLine.Start(
            Path.Join(Repository.Root, "supervisor"), ["bench", .. arguments], new Dictionary<string, string>
            {
                ["SUPERVISOR_BIN"] = Repository.Bin,
                ["SUPERVISOR_BENCHMARKS"] = Program,
            });
        run.StandardInput.Close();
        return run;
    }

    private static async Task EndedAsync(Process run)
    {
        try
        {
            await run.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            using (var pidfd = Pidfd.TryOpen(run.Id)) pidfd?.TrySignal(Signal.SIGTERM); // the script removes what it has made
            await run.WaitForExitAsync();
            throw;
        }
    }

    /// <summary>The benchmark program that was built with this assembly, in the same configuration.</summary>
    private static string Program { get; } = Path.Join(
        Repository.Root, "benchmarks/Supervisor.Benchmarks/bin", Directory.GetParent(AppContext.BaseDirectory.TrimEnd('/'))!.Name,
        Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')), RuntimeInformation.RuntimeIdentifier, "Supervisor.Benchmarks");

    /// <summary>Of a run, by its process id.</summary>
    private static IEnumerable<string> Cgroups(Process run) => Directory.EnumerateDirectories("/sys/fs/cgroup")
        .Prepend("/sys/fs/cgroup").Select(d => Path.Join(d, $"supervisor-bench-{run.Id}")).Where(Directory.Exists);

    private static void AssertNothingIsLeft(Process run)
    {
        Assert.Empty(Cgroups(run));
        Assert.Empty(Directory.EnumerateDirectories(Path.Join(Repository.Root, "out", "benchmarks"), $"run-{run.Id}.*"));
    }

    /// <summary>The number in the first column of a row.</summary>
    private static double Ours(string report, string row)
    {
        var cells = report.Split('\n').Single(l => l.StartsWith($"| {row} |", StringComparison.Ordinal)).Split('|');
        return double.Parse(cells[2], NumberStyles.Number, CultureInfo.InvariantCulture);
    }
}
