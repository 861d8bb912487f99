using System.Globalization;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;

namespace Supervisor.Tests.Cli.Parsing;

/// <summary>Times as docker's users write them.</summary>
public sealed class TimesTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("10m", "2026-11-30T11:50:00Z")]
    [InlineData("1h30m", "2026-11-30T10:30:00Z")]
    [InlineData("1.5h", "2026-11-30T10:30:00Z")]
    [InlineData("-10s", "2026-11-30T12:00:10Z")]
    [InlineData("500ms", "2026-11-30T11:59:59.5Z")]
    [InlineData("0", "1970-01-01T00:00:00Z")]
    [InlineData("1764504000.5", "2025-11-30T12:00:00.5Z")]
    [InlineData("2026-01-31T08:30:00Z", "2026-01-31T08:30:00Z")]
    [InlineData("2026-01-31T08:30:00.123456789+02:00", "2026-01-31T06:30:00.1234567Z")]
    [InlineData("2026-01-31T08:30:00.5Z", "2026-01-31T08:30:00.5Z")]
    [InlineData("2026-01-31T08:30Z", "2026-01-31T08:30:00Z")]
    public void A_time_is_read(string text, string wanted) => Assert.Equal(
        DateTimeOffset.Parse(wanted, CultureInfo.InvariantCulture), Times.Parse("--since", text, Now));

    [Theory]
    [InlineData("2026-01-31")]
    [InlineData("2026-01-31T08:30:00")]
    public void Without_a_zone_it_is_local(string text) => Assert.Equal(
        new DateTimeOffset(DateTime.Parse(text, CultureInfo.InvariantCulture)), Times.Parse("--since", text, Now));

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("10 m")]
    [InlineData("m")]
    [InlineData("2026-13-01")]
    [InlineData("99999999999999999999999h")]
    [InlineData("99999999999999999999999")]
    public void Anything_else_is_refused_by_the_options_name(string text)
        => Assert.StartsWith($"--until: \"{text}\" is not a time: give ",
            Assert.Throws<CliException>(() => Times.Parse("--until", text, Now)).Message, StringComparison.Ordinal);
}
