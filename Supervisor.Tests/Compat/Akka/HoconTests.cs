using Akka.Configuration;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class HoconTests
{
    [Theory]
    [InlineData("a = 1", "a", "1")]
    [InlineData("a : 1", "a", "1")]
    [InlineData("{ a : 1 }", "a", "1")]
    [InlineData("{\"a\": {\"b\": \"c d\"}}", "a.b", "c d")]
    [InlineData("a { b = x }", "a.b", "x")]
    [InlineData("a.b.c = x", "a.b.c", "x")]
    [InlineData("a.b = x\na.c = y", "a.b", "x")]
    [InlineData("a { b = x }\na { c = y }", "a.b", "x")]
    [InlineData("a = 1\na = 2", "a", "2")]
    [InlineData("a = 1 # comment", "a", "1")]
    [InlineData("a = 1 // comment", "a", "1")]
    [InlineData("// first\n# second\na = 1", "a", "1")]
    [InlineData("a = 1, b = 2", "b", "2")]
    [InlineData("\"x.y\" = 1", "\"x.y\"", "1")]
    [InlineData("\"/a/b\" { c = 1 }", "\"/a/b\".c", "1")]
    [InlineData("a = \"tab\\there \\u0041 \\\"q\\\"\"", "a", "tab\there A \"q\"")]
    [InlineData("a = \"\"\"raw \\n \"q\" text\"\"\"", "a", "raw \\n \"q\" text")]
    [InlineData("a = \"\"\"line1\nline2\"\"\"", "a", "line1\nline2")]
    [InlineData("a = one two   three ", "a", "one two   three")]
    [InlineData("a = one\"two\" three", "a", "onetwo three")]
    [InlineData("a = akka://sys/user/x", "a", "akka:")]
    [InlineData("a = \"akka://sys/user/x\"", "a", "akka://sys/user/x")]
    [InlineData("b = x\na = ${b}", "a", "x")]
    [InlineData("a = ${b}\nb = x", "a", "x")]
    [InlineData("b = x\na = pre-${b}-post", "a", "pre-x-post")]
    [InlineData("a = ${?not.there}fallback", "a", "fallback")]
    [InlineData("a = old\na = ${?not.there}", "a", "old")]
    [InlineData("p = one\np = ${p} two", "p", "one two")]
    [InlineData("b { x = 1, y = 2 }\na = ${b} { y = 3 }", "a.y", "3")]
    [InlineData("b { x = 1, y = 2 }\na = ${b} { y = 3 }", "a.x", "1")]
    [InlineData("a = { x = 1 } { y = 2 }", "a.y", "2")]
    [InlineData("a { b = ${c.d} }\nc { d = z }", "a.b", "z")]
    [InlineData("a = 1\r\nb = 2\r\n", "a", "1")]
    public void A_text_has_at_a_path_the_value(string hocon, string path, string value) =>
        Assert.Equal(value, ConfigurationFactory.ParseString(hocon).GetString(path));

    [Theory]
    [InlineData("a = [1, 2, 3]", new[] { "1", "2", "3" })]
    [InlineData("a = [1\n2\n3]", new[] { "1", "2", "3" })]
    [InlineData("a = [x, \"y z\",]", new[] { "x", "y z" })]
    [InlineData("a = [1] [2, 3]", new[] { "1", "2", "3" })]
    [InlineData("a = [1]\na += 2", new[] { "1", "2" })]
    [InlineData("a += 1\na += 2\na += 3", new[] { "1", "2", "3" })]
    [InlineData("b = [1]\na = ${b} [2]", new[] { "1", "2" })]
    [InlineData("a = [1]\na = ${a} [2]", new[] { "1", "2" })]
    [InlineData("x = 7\na = [${x}, 8]", new[] { "7", "8" })]
    [InlineData("a = []", new string[0])]
    public void A_text_has_the_array(string hocon, string[] items) =>
        Assert.Equal(items, ConfigurationFactory.ParseString(hocon).GetStringList("a"));

    [Theory]
    [InlineData("10", 10)]
    [InlineData("10ms", 10)]
    [InlineData("2 s", 2_000)]
    [InlineData("1.5 seconds", 1_500)]
    [InlineData("3m", 180_000)]
    [InlineData("1 hour", 3_600_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("5000 us", 5)]
    public void Durations_have_units_and_milliseconds_without(string text, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), ConfigurationFactory.ParseString("t = " + text).GetTimeSpan("t"));

    [Fact]
    public void An_infinite_duration_is_the_infinite_timeout() =>
        Assert.Equal(Timeout.InfiniteTimeSpan, ConfigurationFactory.ParseString("t = infinite").GetTimeSpan("t"));

    [Theory]
    [InlineData("1024", 1024L)]
    [InlineData("1b", 1L)]
    [InlineData("4k", 4096L)]
    [InlineData("4 KiB", 4096L)]
    [InlineData("4kB", 4000L)]
    [InlineData("2MiB", 2097152L)]
    [InlineData("1 GB", 1000000000L)]
    public void Sizes_have_units(string text, long bytes) =>
        Assert.Equal(bytes, ConfigurationFactory.ParseString("s = " + text).GetByteSize("s"));

    [Theory]
    [InlineData("on", true)]
    [InlineData("true", true)]
    [InlineData("yes", true)]
    [InlineData("off", false)]
    [InlineData("no", false)]
    public void Booleans_have_several_words(string text, bool value) =>
        Assert.Equal(value, ConfigurationFactory.ParseString("b = " + text).GetBoolean("b", !value));

    [Theory]
    [InlineData("a = {")]
    [InlineData("a = [1")]
    [InlineData("a = \"open")]
    [InlineData("a = \"\"\"open")]
    [InlineData("a")]
    [InlineData("= 1")]
    [InlineData("a = ${nowhere.to.be.found}")]
    [InlineData("a = ${b}\nb = ${a}")]
    [InlineData("a = \"\\x\"")]
    [InlineData("a { b = 1 }}")]
    [InlineData("a = [1] { b = 2 }")]
    public void What_is_no_hocon_is_a_format_error(string hocon) =>
        Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString(hocon));

    [Fact]
    public void An_error_names_its_line_and_column()
    {
        var e = Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString("a = 1\nb = \"open\nc = 2"));
        Assert.Contains("line 2", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_number_names_its_path()
    {
        var e = Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString("a.b = x1").GetInt("a.b"));
        Assert.Contains("a.b", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_environment_variable_fills_a_substitution()
    {
        Environment.SetEnvironmentVariable("SUPERVISOR_TEST_HOCON", "from the environment");
        Assert.Equal("from the environment", ConfigurationFactory.ParseString("a = ${?SUPERVISOR_TEST_HOCON}").GetString("a"));
    }

    [Fact]
    public void The_document_wins_over_the_environment()
    {
        Environment.SetEnvironmentVariable("SUPERVISOR_TEST_HOCON_2", "environment");
        Assert.Equal("document", ConfigurationFactory.ParseString("SUPERVISOR_TEST_HOCON_2 = document\na = ${SUPERVISOR_TEST_HOCON_2}").GetString("a"));
    }

    [Fact]
    public void A_fallback_is_asked_for_what_is_missing_member_by_member()
    {
        var config = ConfigurationFactory.ParseString("a { b = 1 }").WithFallback(ConfigurationFactory.ParseString("a { b = 2, c = 3 }"));
        Assert.Equal(1, config.GetInt("a.b"));
        Assert.Equal(3, config.GetInt("a.c"));
    }

    [Fact]
    public void A_text_hides_the_object_below_it()
    {
        var config = ConfigurationFactory.ParseString("a = x").WithFallback(ConfigurationFactory.ParseString("a { b = 1 }"));
        Assert.False(config.HasPath("a.b"));
    }

    [Fact]
    public void A_fallback_leaves_both_sides_unchanged()
    {
        var below = ConfigurationFactory.ParseString("a { c = 3 }");
        _ = ConfigurationFactory.ParseString("a { b = 1 }").WithFallback(below);
        Assert.False(below.HasPath("a.b"));
    }

    [Fact]
    public void A_missing_path_gives_the_default_and_no_section()
    {
        var config = ConfigurationFactory.ParseString("a = 1, n = null");
        Assert.Equal(7, config.GetInt("x.y", 7));
        Assert.Null(config.GetConfig("x"));
        Assert.False(config.HasPath("n"));
        Assert.True(config.GetConfig("x").IsNullOrEmpty());
    }

    [Fact]
    public void What_is_printed_reads_back()
    {
        var config = ConfigurationFactory.ParseString("a { \"x.y\" = \"q\\\"uote\", l = [1, { m = 2 }], t = 5s }");
        var again = ConfigurationFactory.ParseString(config.ToString());
        Assert.Equal("q\"uote", again.GetString("a.\"x.y\""));
        Assert.Equal(TimeSpan.FromSeconds(5), again.GetTimeSpan("a.t"));
        Assert.Equal(2, again.GetValue("a.l").GetArray()[1].GetChildObject("m").GetInt());
    }

    [Fact]
    public void An_include_comes_from_the_callback()
    {
        var config = ConfigurationFactory.ParseString("a { include \"other\" }\nb = 1", name => new Akka.Configuration.Hocon.HoconRoot(
            ConfigurationFactory.ParseString("name = \"" + name + "\"").Root));
        Assert.Equal("other", config.GetString("a.name"));
    }

    [Fact]
    public void An_include_reads_a_file_and_later_text_wins()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "a = 1, b = 2");
            var config = ConfigurationFactory.ParseString($"include \"{file}\"\nb = 3");
            Assert.Equal(1, config.GetInt("a"));
            Assert.Equal(3, config.GetInt("b"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void An_object_becomes_a_configuration()
    {
        var config = ConfigurationFactory.FromObject(new { a = new { b = 1, c = new[] { "x", "y" } } });
        Assert.Equal(1, config.GetInt("a.b"));
        Assert.Equal(["x", "y"], config.GetStringList("a.c"));
    }

    [Fact]
    public void A_string_is_a_configuration()
    {
        Config config = "a = 1";
        Assert.Equal(1, config.GetInt("a"));
    }

    [Fact]
    public void Nesting_is_bounded() =>
        Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString("a = " + new string('[', 100_000)));
}
