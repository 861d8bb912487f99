using System.Text;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Stdio;

namespace Supervisor.Tests.Cli.Stdio;

/// <summary>
/// Detach keys are recognized across reads, and input that only starts like them reaches the program unchanged.
/// </summary>
public sealed class DetachKeysTests
{
    [Theory]
    [InlineData("ctrl-p,ctrl-q", "a\x10\x11", "a", true)]
    [InlineData("ctrl-p,ctrl-q", "a\x10|\x11z", "a", true)] // a bar separates two reads
    [InlineData("ctrl-p,ctrl-q", "a\x10|b\x11", "a\x10|b\x11", false)]
    [InlineData("ctrl-p,ctrl-q", "\x10\x10\x11", "\x10", true)]
    [InlineData("ctrl-p,ctrl-q", "\x10\x10|x", "\x10|\x10x", false)]
    [InlineData("x", "abx", "ab", true)]
    [InlineData("a,a,b", "aa|ab", "|a", true)]
    [InlineData("a,b,a,c", "abab|abac", "ab|ab", true)]
    [InlineData("CTRL-@,ctrl-_", "\0\x1f", "", true)]
    public void Detach_keys_are_recognized_and_other_keys_pass(string keys, string typed, string passed, bool detached)
    {
        var detach = DetachKeys.Parse(keys);
        var seen = string.Concat(
            typed.Split('|').Select(part => Encoding.Latin1.GetString(detach.Filter(Encoding.Latin1.GetBytes(part)))));
        Assert.Equal((passed.Replace("|", "", StringComparison.Ordinal), detached), (seen, detach.Typed.IsCompleted));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ctrl-")]
    [InlineData("ctrl-1")]
    [InlineData("ab")]
    [InlineData("a,,b")]
    public void An_invalid_key_is_named(string keys) =>
        Assert.StartsWith("--detach-keys: ", Assert.Throws<CliException>(() => DetachKeys.Parse(keys)).Message,
            StringComparison.Ordinal);
}
