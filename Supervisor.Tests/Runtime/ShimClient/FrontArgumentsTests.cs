using Supervisor.Runtime.ShimClient;

namespace Supervisor.Tests.Runtime.ShimClient;

/// <summary>The command line between a shim and a front, and what of the Shim service both know.</summary>
public class FrontArgumentsTests
{
    [Fact]
    public void A_front_gets_what_its_shim_gives()
    {
        FrontArguments[] all = [new("n/c", "", TimeSpan.FromSeconds(10)), new("n/c", "/b", TimeSpan.FromSeconds(0.5))];
        foreach (var given in all)
        {
            Assert.Equal(given, FrontArguments.Parse(given.ToWords()[1..]));
            Assert.Equal("c", given.Id);
        }
    }

    [Theory]
    [InlineData()]
    [InlineData("--container")]
    [InlineData("--container", "c", "--idle", "1")]
    [InlineData("--container", "n/c")]
    [InlineData("--container", "n/c", "--idle", "-1")]
    [InlineData("--container", "n/c", "--idle", "1", "--other", "x")]
    public void A_command_line_that_no_shim_makes_is_refused(params string[] words) => Assert.Null(FrontArguments.Parse(words));

    [Theory]
    [InlineData("0", 0.0)]
    [InlineData("2.5", 2.5)]
    [InlineData("86400", 86400.0)]
    [InlineData("86401", null)]
    [InlineData("NaN", null)]
    [InlineData("Infinity", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_time_is_a_number_of_seconds_up_to_a_day(string? text, double? seconds) =>
        Assert.Equal(seconds, FrontArguments.TryIdle(text)?.TotalSeconds);

    [Fact]
    public void Ids_of_the_services_execs_differ_and_are_recognized()
    {
        Assert.True(ServiceExecs.IsId(ServiceExecs.NewId()));
        Assert.NotEqual(ServiceExecs.NewId(), ServiceExecs.NewId());
        foreach (var other in (string[])["", "shim-", "shim-1", "shim-0123456789abcdeg", "shim-0123456789ABCDEF", "e"])
            Assert.False(ServiceExecs.IsId(other));
    }

    [Fact]
    public void Marks_survive_a_round_trip_and_an_older_shim_has_none()
    {
        var marks = ServiceMarks.Exec | ServiceMarks.Deleted;
        var (read, spec) = new MessageReader(new MessageWriter().Put(marks, "{}"u8).Written).Marks();
        Assert.Equal((marks, "{}"), (read, System.Text.Encoding.UTF8.GetString(spec)));
        var (none, nothing) = new MessageReader(default).Marks();
        Assert.Equal((ServiceMarks.None, 0), (none, nothing.Length));
    }
}
