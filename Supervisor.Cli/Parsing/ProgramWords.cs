using System.CommandLine;
using System.CommandLine.Parsing;

namespace Supervisor.Cli.Parsing;

/// <summary>
/// Finds where a line's own options end and the program's words start. The parser captures those words, but first splits
/// clusters of short options, also in them: without a mark <c>ls -it</c> would be run as <c>ls -i -t</c>.
/// </summary>
internal static class ProgramWords
{
    /// <summary>The line with <c>--</c> before its program, unless it has one already, or there is no program.</summary>
    /// <param name="root">The tree of verbs.</param>
    /// <param name="verb">The line's verb.</param>
    /// <param name="before">The number of words before the program that are not options: the verb, and a container's id.</param>
    public static IReadOnlyList<string> Mark(Command root, Command verb, IReadOnlyList<string> line, int before)
    {
        var options = root.Options.Concat(verb.Options).ToList();
        for (var i = 0; i < line.Count; i++)
        {
            var word = line[i];
            if (word == "--") return line;
            if (word is ['-', _, ..]) i += TakesNext(options, word) ? 1 : 0;
            else if (before-- == 0) return [.. line.Take(i), "--", .. line.Skip(i)];
        }
        return line;
    }

    /// <summary>
    /// The line with each cluster of short options split where an unknown one begins: the parser takes the rest of such a
    /// cluster for an argument, <c>rm -fv a</c> for the containers v and a.
    /// </summary>
    public static IReadOnlyList<string> SplitClusters(Command root, Command verb, IReadOnlyList<string> line)
    {
        var options = root.Options.Concat(verb.Options).ToList();
        var end = line.ToList().IndexOf("--");
        return [.. line.SelectMany((word, i) => end < 0 || i < end ? Split(options, word) : [word])];
    }

    private static string[] Split(List<Option> options, string word)
    {
        if (word is not ['-', not '-', _, ..]) return [word];
        for (var i = 1; i < word.Length; i++)
        {
            if (Find(options, $"-{word[i]}") is { } one)
            {
                if (HasValue(one)) return [word];
            }
            else return i == 1 ? [word] : [word[..i], $"-{word[i..]}"];
        }
        return [word];
    }

    /// <summary>
    /// Whether the program's first word looks like an option: then it and all that follows was taken for the program.
    /// </summary>
    public static string? MistakenOption(ParseResult parse)
    {
        if (parse.CommandResult.Command is not { Name: "run" or "create" or "exec", Arguments: [.., Argument<string[]> program] })
            return null;
        return parse.CommandResult.GetResult(program) is { Tokens: [{ Value: ['-', _, ..] first }, ..] words }
            && !FollowsDoubleDash(parse, 1 + words.Count) ? first : null;
    }

    /// <summary>Whether the last words of a line come after <c>--</c>.</summary>
    public static bool FollowsDoubleDash(ParseResult parse, int words) =>
        parse.Tokens.Count > words && parse.Tokens[^(words + 1)].Type is TokenType.DoubleDash;

    /// <summary>Whether the next word is an option's value.</summary>
    private static bool TakesNext(List<Option> options, string word)
    {
        if (word.StartsWith("--", StringComparison.Ordinal)) return Find(options, word) is { } one && HasValue(one);
        for (var i = 1; i < word.Length; i++)
        {
            if (Find(options, $"-{word[i]}") is not { } one) return false;
            if (HasValue(one)) return i == word.Length - 1; // otherwise the rest of the word is its value
        }
        return false;
    }

    private static Option? Find(List<Option> options, string name) =>
        options.Find(o => o.Name == name || o.Aliases.Contains(name));

    private static bool HasValue(Option option) => option.ValueType != typeof(bool) && option.Arity.MaximumNumberOfValues > 0;
}
