using Akka.Configuration;
using Supervisor.Host.Daemon;

namespace Supervisor.Tests.Host.Daemon;

/// <summary>A configuration file cannot overflow the daemon's stack, and unusual but valid ones are accepted.</summary>
public sealed class HoconGuardTests
{
    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    public static TheoryData<string, string> Refused => new()
    {
        { "a = ${a}", "line 1: \"a\" refers to itself" },
        { "x = 1\na = ${?a}", "line 2: \"a\" refers to itself" },
        { "a = 1\na = ${a} 2", "line 2: \"a\" refers to itself" },
        { "a = [1]\na = ${a} [2]", "line 2: \"a\" refers to itself" },
        { "a = [1,\n ${a}\n]", "line 1: \"a\" refers to itself" },
        { "a = ${b}\n\nb = ${a}", "line 1: \"a\" refers to itself through \"b\" (line 3)" },
        { "a.b = ${a}", "line 1: \"a.b\" refers to itself" },
        { "a { b = ${a} }", "line 1: \"a.b\" refers to itself" },
        { "a { x = ${b} }\nb { y = ${a} }", "line 1: \"a.x\" refers to itself through \"b.y\" (line 2)" },
        { "a : pre-${c.d}\nc {\n d : ${e}\n}\ne = [${a}]",
            "line 1: \"a\" refers to itself through \"c.d\" (line 3), \"e\" (line 5)" },
        { "t = \"\"\"\n\n\"\"\"\na = ${a}", "line 4: \"a\" refers to itself" },
        { "a = " + Repeat("[", 30_000) + Repeat("]", 30_000), "nested deeper" },
        { Repeat("{a:", 30_000) + "1" + Repeat("}", 30_000), "nested deeper" },
        { Repeat("a.", 50_000) + "b = 1", "line 1: a path has more than" },
        { string.Join('\n', Enumerable.Range(0, 50_000).Select(i => $"a{i} = ${{a{i + 1}}}")),
            "line 1: \"a0\" leads through more than" },
        { "a = 1\ninclude \"other.conf\"", "line 2: \"include\" is not supported" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_file_that_would_overflow_the_stack_is_refused_with_line_and_reason(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => HoconGuard.Check(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("a = 1")]
    [InlineData("{\"a\": {\"b\": \"c d\"}}")]
    [InlineData("\"/a/b\" { c = 1 }")]
    [InlineData("a = one two   three ")]
    [InlineData("a = \"${a}\"")]
    [InlineData("a = \"\"\"${a} \" ${a}\"\"\"")]
    [InlineData("a = \"\\\"${a}\"")]
    [InlineData("a = 1 # ${a}")]
    [InlineData("a = 1 // ${a}")]
    [InlineData("b = x\na = pre-${b}-post")]
    [InlineData("a = ${b}\nb = x")]
    [InlineData("b = x\na = [${b}, ${b}]")]
    [InlineData("a { b = ${a.c}, c = 1 }")]
    [InlineData("a = ${?not.there}fallback")]
    [InlineData("b { x = 1, y = 2 }\na = ${b} { y = 3 }")]
    [InlineData("a { b = ${c.d} }\nc { d = z }")]
    [InlineData("a = [1]\na += 2")]
    [InlineData("ab = ${a}\na = 1")]
    [InlineData("a = ${b}\nc = ${b}\nb = ${d}\nd = 1")]
    [InlineData("include = 1")]
    public void An_accepted_file_can_be_parsed_read_and_merged(string text)
    {
        HoconGuard.Check(text);
        var config = ConfigurationFactory.ParseString(text).WithFallback(ConfigurationFactory.ParseString("z = 1"));
        Assert.Equal("1", config.GetString("z"));
        // Akka overflows the stack when it prints an unresolved optional substitution. It can read and merge it.
        if (!text.Contains("${?", StringComparison.Ordinal)) Assert.NotNull(config.ToString());
    }

    [Fact]
    public void The_packaged_configuration_is_accepted()
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "supervisor.hocon"));
        HoconGuard.Check(text);
        Assert.NotEmpty(text);
    }

    [Theory]
    [InlineData("a = \"open")]
    [InlineData("a = \"open\\")]
    [InlineData("a = \"\"\"open")]
    [InlineData("a = ${")]
    [InlineData("= 1")]
    public void Other_mistakes_are_left_to_the_parser(string text) => HoconGuard.Check(text);

    [Theory]
    [InlineData("a { b = 1", "line 1: what is opened here is not closed by \"}\"")]
    [InlineData("a = 1\nb { c = [1, 2 }", "line 2: \"}\" closes nothing that was opened")]
    [InlineData("a { b = 1 } }", "line 1: \"}\" closes nothing that was opened")]
    public void Unbalanced_brackets_are_refused_with_their_line(string text, string reason) =>
        Assert.Equal(reason, Assert.Throws<FormatException>(() => HoconGuard.Check(text)).Message);
}
