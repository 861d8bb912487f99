using System.CommandLine;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor man</c>: writes the manual pages, for a package or an installation.</summary>
internal static class ManCommand
{
    /// <param name="root">The tree of verbs, once it is complete.</param>
    public static Command Create(Func<RootCommand> root)
    {
        var directory = new Argument<string>("directory") { Description = "Where the pages go, e.g. /usr/local/share/man/man1" };
        var command = new Command("man", "Writes the manual pages, one for each verb, into a directory") { directory };
        command.Does(async (parse, cancel) =>
        {
            var place = Directory.CreateDirectory(parse.GetRequiredValue(directory)).FullName;
            foreach (var (name, page) in ManPage.All(root())) await File.WriteAllTextAsync(Path.Join(place, name), page, cancel);
            return 0;
        });
        return command;
    }
}
