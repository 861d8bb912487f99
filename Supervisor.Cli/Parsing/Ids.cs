using System.CommandLine;

namespace Supervisor.Cli.Parsing;

/// <summary>The container arguments of a verb.</summary>
internal static class Ids
{
    public static Argument<string[]> OneOrMore() =>
        NoOption(new Argument<string[]>("container") { Description = "Container ids", Arity = ArgumentArity.OneOrMore });

    public static Argument<string> One() => NoOption(new Argument<string>("container") { Description = "Container id" });

    /// <summary>No id and no image's name starts with a dash: such a word is an option that the verb does not have.</summary>
    public static Argument<T> NoOption<T>(Argument<T> ids)
    {
        ids.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(t => t.Value.StartsWith('-')) is { } option)
                result.AddError(DockerOptions.NoSuch(option.Value, result));
        });
        return ids;
    }
}
