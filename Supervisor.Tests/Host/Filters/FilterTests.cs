using System.Collections.Immutable;
using Supervisor.Host.Filters;

namespace Supervisor.Tests.Host.Filters;

public sealed class FilterTests
{
    private static readonly Dictionary<string, string> Fields = new()
    {
        ["id"] = "c1",
        ["image"] = "docker.io/library/busybox:latest",
        ["topic"] = "/tasks/exit",
        ["labels/a"] = "1",
        ["labels/dotted.k"] = "v, w",
        ["labels/empty"] = "",
        ["quote"] = "say \"hi\"\n",
    };

    private static string? Lookup(ImmutableArray<string> path) => Fields.GetValueOrDefault(string.Join('/', path));

    public static TheoryData<string, bool> Rows => new()
    {
        { "id==c1", true },
        { "id==c2", false },
        { "id!=c1", false },
        { "id!=c2", true },
        { "nothing!=x", true },                      // true also when the field is absent
        { "nothing==x", false },
        { "nothing", false },
        { "id", true },
        { "labels.empty", true },
        { "labels.a==1", true },
        { " labels . a == 1 ", true },               // spaces around tokens
        { "id==c1,labels.a==1", true },
        { "id==c1 , labels.a==2", false },
        { "labels.\"dotted.k\"==\"v, w\"", true },
        { "\"id\"==c1", true },
        { "id==\"c1\"", true },
        { "id==\"\\x631\"", true },
        { "id==\"\\1431\"", true },                  // octal, as in Go
        { "quote==\"say \\\"hi\\\"\\n\"", true },
        { "topic==\"/tasks/exit\"", true },
        { "topic~=|^/tasks/|", true },
        { "topic~=/^.tasks/", true },
        { "topic~=/\\/exit$/", true },               // an escaped delimiter
        { "topic~=\"^/tasks/exit$\"", true },
        { "topic~=exit", true },                     // unanchored
        { "id~=^c$", false },
        { "id~=^c[0-9]$", true },
        { "id~=(?P<x>c)1", true },                   // Go's spelling of a named group
        { "id~=(", false },                          // does not compile: never matches, no error
        { "id~=(?=c)", false },                      // RE2 has no look-ahead
        { "nothing~=.*", true },                     // an absent field counts as empty
        { "nothing~=.", false },
        { "nothing==\"\"", true },
        { "nothing!=\"\"", false },
        { "image==docker.io/library/busybox:latest", true }, // a value runs up to a comma or white space
    };

    [Theory, MemberData(nameof(Rows))]
    public void A_filter_matches_as_in_containerd(string filter, bool matches) =>
        Assert.Equal(matches, FilterSet.Parse([filter]).Matches(Lookup));

    [Theory]
    [InlineData("id=c", "filters: parse error: [id >|=|< c]: unsupported operator \"=\": invalid argument")]
    [InlineData("topic==/tasks", "filters: parse error: [topic== >|/|< tasks]: invalid quote encountered: invalid argument")]
    [InlineData("topic==|x|", "filters: parse error: [topic== >|||< x|]: invalid quote encountered: invalid argument")]
    [InlineData("id==", "filters: parse error: [id== >||< ]: expected value or quoted: invalid argument")]
    [InlineData("id==,x", "filters: parse error: [id== >|,|< x]: expected value or quoted: invalid argument")]
    [InlineData("id===c", "filters: parse error: [id >|===|< c]: unsupported operator \"===\": invalid argument")]
    [InlineData("id==a,", "filters: parse error: [id==a, >||< ]: expected field or quoted: invalid argument")]
    [InlineData("labels.", "filters: parse error: [labels. >||< ]: expected field or quoted: invalid argument")]
    [InlineData(".a", "filters: parse error: [ >|.|< a]: expected field or quoted: invalid argument")]
    [InlineData("==a", "filters: parse error: [ >|==|< a]: expected field or quoted: invalid argument")]
    [InlineData("a b", "filters: parse error: [a  >|b|< ]: expected a comma or the end: invalid argument")]
    [InlineData("id==\"c", "filters: parse error: [id== >|\"c|< ]: unclosed quoted literal: invalid argument")]
    [InlineData("id==\"\\q\"", "filters: parse error: [id==\" >|\\q|< \"]: invalid escape: invalid argument")]
    [InlineData("id#c", "filters: parse error: [id >|#|< c]: unexpected input: #: invalid argument")]
    public void A_malformed_filter_is_refused_with_the_position_of_the_error(string filter, string message) =>
        Assert.Equal(message, Assert.Throws<FilterSyntaxException>(() => FilterSet.Parse([filter])).Message);

    [Fact]
    public void Several_filters_are_alternatives()
    {
        Assert.True(FilterSet.Parse(["id==no", "labels.a==1"]).Matches(Lookup));
        Assert.False(FilterSet.Parse(["id==no", "labels.a==2"]).Matches(Lookup));
    }

    [Fact]
    public void No_filter_and_an_empty_filter_match_everything()
    {
        Assert.True(FilterSet.Parse([]).Matches(_ => null));
        Assert.True(FilterSet.Parse([""]).Matches(_ => null));
        Assert.True(FilterSet.Parse(["id==no", " "]).Matches(Lookup));
    }

    [Fact]
    public void An_oversized_filter_is_refused() =>
        Assert.Throws<FilterSyntaxException>(() => FilterSet.Parse([new string('a', FilterSet.MaximumLength), "b"]));

    [Fact]
    public void A_pattern_cannot_take_exponential_time()
    {
        var filter = FilterSet.Parse(["v~=^(a+)+$"]);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.False(filter.Matches(_ => new string('a', 5_000) + "!"));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"took {clock.Elapsed}");
    }

    [Fact]
    public void Any_text_is_a_filter_or_a_syntax_error_within_bounds()
    {
        const string Alphabet = "ab.,=!~<>|/\"\\ \tx0é\0";
        var random = new Random(20);
        var accepted = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            try
            {
                FilterSet.Parse([text]).Matches(Lookup);
                accepted++;
            }
            catch (FilterSyntaxException e)
            {
                Assert.StartsWith("filters: parse error: [", e.Message, StringComparison.Ordinal);
            }
        }
        Assert.InRange(accepted, 200, 19_800);
    }
}
