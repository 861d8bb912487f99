using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>The script of <c>supervisor completion bash</c>, in bash.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("sta", "start stats")]
    [InlineData("--address /s ps --no", "--no-trunc")]
    [InlineData("completion f", "fish")]
    [InlineData("update --cp", "--cpus")]
    public async Task Bash_completes(string line, string expected)
    {
        var words = line.Split(' ');
        var script = $"PATH={Repository.Bin}:$PATH; eval \"$({CommandLine.Supervisor} completion bash)\"; "
            + $"COMP_WORDS=(supervisor {line}); COMP_CWORD={words.Length}; _supervisor; echo \"${{COMPREPLY[*]}}\"";
        Assert.Equal(expected + "\n", Ok(await RunAsync("bash", "-c", script)));
    }

    [Fact]
    public async Task A_help_text_ends_with_examples() => Assert.EndsWith(
        "Examples:\n  supervisor stop web\n  supervisor stop -s INT -t 60 db cache\n",
        Ok(await RunAsync(CommandLine.Supervisor, "help", "stop")), StringComparison.Ordinal);
}
