namespace Supervisor.Tests.Fuzz;

/// <summary>A short run of <c>./test fuzz</c> with a fixed seed, and all findings of earlier long runs.</summary>
public sealed class FuzzTests
{
    private const long Inputs = 20_000;
    private const int Seed = 1;

    public static TheoryData<string> Names => [.. FuzzTargets.All.Select(t => t.Name)];

    public static TheoryData<string> Found => [.. Corpus.Found().Select(f => f.File)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_input_is_parsed_or_refused_in_time(string name)
    {
        var target = FuzzTargets.All.Single(t => t.Name == name);
        var result = FuzzRun.Over(target, FuzzCommand.Part(target, Inputs), Seed);
        Assert.True(result.Finding is null, result.Finding);
        Assert.InRange(result.Accepted, 1, result.Inputs); // a parser that accepts nothing was not exercised
    }

    [Theory]
    [MemberData(nameof(Found))]
    public void Earlier_findings_are_parsed_or_refused(string file)
    {
        var (name, _, bytes) = Corpus.Found().Single(f => f.File == file);
        var finding = FuzzRun.Finding(FuzzTargets.All.Single(t => t.Name == name), bytes);
        Assert.True(finding is null, finding);
    }
}
