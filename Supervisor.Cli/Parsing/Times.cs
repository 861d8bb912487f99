using System.Globalization;
using System.Text.RegularExpressions;
using Supervisor.Cli.Errors;

namespace Supervisor.Cli.Parsing;

/// <summary>
/// Times as docker's <c>--since</c> and <c>--until</c> take them: RFC 3339, also without its end (<c>2026-11-30T18:07</c>),
/// seconds since 1970, or a duration before now (<c>1h30m</c>).
/// </summary>
internal static partial class Times
{
    /// <summary>For a description of an option.</summary>
    public const string Words = "2026-01-31T08:30:00Z, seconds since 1970, or a duration before now such as 10m";

    private static readonly string[] Formats =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HHK", "yyyy-MM-ddK",
    ];

    /// <summary>Null for an option that is not given.</summary>
    /// <exception cref="CliException">It is none of these; the message names the option.</exception>
    public static DateTimeOffset? Parse(string option, string? text, DateTimeOffset now) => text is null ? null
        : Duration(text) is { } ago && TryBefore(now, ago) is { } before ? before
        : Seconds(text) ?? Rfc3339(text)
            ?? throw new CliException($"{option}: \"{text}\" is not a time: give {Words}");

    private static DateTimeOffset? Rfc3339(string text) =>
        DateTimeOffset.TryParseExact(Ticks().Replace(text, "$1"), Formats, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeLocal, out var time) ? time : null;

    private static DateTimeOffset? Seconds(string text) =>
        decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
        && seconds < DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond)) : null;

    private static double? Duration(string text)
    {
        var match = GoDuration().Match(text);
        if (!match.Success) return null;
        var seconds = 0.0;
        for (var i = 0; i < match.Groups["number"].Captures.Count; i++)
            seconds += double.Parse(match.Groups["number"].Captures[i].Value, CultureInfo.InvariantCulture)
                * match.Groups["unit"].Captures[i].Value switch
                {
                    "h" => 3600, "m" => 60, "s" => 1, "ms" => 1e-3, "ns" => 1e-9, _ => 1e-6,
                };
        return text[0] == '-' ? -seconds : seconds;
    }

    private static DateTimeOffset? TryBefore(DateTimeOffset now, double seconds) =>
        Math.Abs(seconds) < 1e10 ? now - TimeSpan.FromSeconds(seconds) : null;

    [GeneratedRegex(@"\A[+-]?(?:(?<number>\d+(?:\.\d+)?)(?<unit>ns|us|µs|ms|s|m|h))+\z", RegexOptions.CultureInvariant)]
    private static partial Regex GoDuration();

    // .NET has seven digits of a second.
    [GeneratedRegex(@"(\.\d{7})\d{1,2}", RegexOptions.CultureInvariant)]
    private static partial Regex Ticks();
}
