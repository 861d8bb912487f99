using System.CommandLine;

namespace Supervisor.Cli.Parsing;

/// <summary>Options whose value is one of a set of words.</summary>
internal static class Words
{
    /// <summary>Refuses any other value, and lists the valid ones.</summary>
    public static void OnlyOf(this Option<string> option, params string[] words) => option.OnlyOf("is not known", words);

    /// <param name="why">Why another value is refused.</param>
    public static void OnlyOf(this Option<string> option, string why, string[] words)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var given, ..] && !words.Contains(given.Value, StringComparer.Ordinal))
                result.AddError($"{option.Name}: \"{given.Value}\" {why}: {string.Join(" or ", words)}.");
        });
        option.CompletionSources.Add(words);
    }
}
