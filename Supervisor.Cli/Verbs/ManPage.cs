using System.CommandLine;
using System.Text;
using Supervisor.Cli.Output;

namespace Supervisor.Cli.Verbs;

/// <summary>Manual pages from the definitions of the verbs, in the macros of man(7).</summary>
internal static class ManPage
{
    private const string Program = "supervisor";

    /// <summary>All pages by the names of their files.</summary>
    public static IReadOnlyDictionary<string, string> All(RootCommand root) => Verb.Leaves(root)
        .ToDictionary(v => $"{NameOf(v)}.1", v => OfVerb(root, v), StringComparer.Ordinal)
        .Append(new($"{Program}.1", OfProgram(root))).ToDictionary(StringComparer.Ordinal);

    private static string OfProgram(RootCommand root)
    {
        var page = Begin(Program, root.Description).Append($".B {Program}\n[\\fIOPTION\\fR ...] \\fIVERB\\fR ...\n");
        page.Append(".SH VERBS\n");
        foreach (var verb in Verb.Leaves(root))
            page.Append($".TP\n.BR {Text(NameOf(verb))} (1)\n{Line(Sentence(verb.Description))}\n");
        Options(page, "OPTIONS OF EVERY VERB", root);
        page.Append(".SH ENVIRONMENT\n.TP\n.B SUPERVISOR_ADDRESS\nThe daemon's socket, where \\-\\-address is not given.\n")
            .Append(".TP\n.B SUPERVISOR_NAMESPACE\nThe namespace, where \\-\\-namespace is not given.\n")
            .Append(".TP\n.B NO_COLOR\nNothing is coloured.\n")
            .Append(".SH EXIT STATUS\n.B run\n,\n.B exec\n,\n.B attach\nand\n.B start \\-a\n")
            .Append("have the program's, or 128 and the number of the signal that has ended it.\n")
            .Append("An error is 125; a program that cannot be executed 126, one that is not there 127.\n")
            .Append("0 is success everywhere else.\n");
        Examples(page, "");
        return page.ToString();
    }

    private static string OfVerb(RootCommand root, Command verb)
    {
        var page = Begin(NameOf(verb), verb.Description);
        page.Append($".B {Program} {Text(Verb.NameOf(verb))}\n");
        if (verb.Options.Any(o => !o.Hidden)) page.Append("[\\fIOPTION\\fR ...]\n");
        foreach (var argument in verb.Arguments.Where(a => !a.Hidden)) page.Append(Synopsis(argument)).Append('\n');
        page.Append($".SH DESCRIPTION\n{Line(Sentence(verb.Description))}\n");
        foreach (var argument in verb.Arguments.Where(a => !a.Hidden))
            page.Append($".TP\n.I {Text(argument.Name.ToUpperInvariant())}\n{Line(Sentence(argument.Description))}\n");
        Options(page, "OPTIONS", verb);
        Options(page, "OPTIONS OF EVERY VERB", root);
        Examples(page, Verb.NameOf(verb));
        return page.Append($".SH SEE ALSO\n.BR {Program} (1)\n").ToString();
    }

    /// <summary>As git's and docker's pages are called: <c>supervisor-image-prune</c>.</summary>
    internal static string NameOf(Command verb) => $"{Program}-{Verb.NameOf(verb).Replace(' ', '-')}";

    private static StringBuilder Begin(string name, string? description) => new StringBuilder(
        $".TH {Text(name.ToUpperInvariant())} 1 \"\" \"{Program} {ClientVersion.Version}\" \"{Program}\"\n"
        + $".SH NAME\n{Text(name)} \\- {Text(Lower((description ?? "").TrimEnd('.')))}\n.SH SYNOPSIS\n");

    private static void Options(StringBuilder page, string heading, Command command)
    {
        var options = command.Options.Where(o => !o.Hidden).ToList();
        if (options.Count == 0) return;
        page.Append($".SH {heading}\n");
        foreach (var option in options)
        {
            var names = option.Aliases.Append(option.Name).Where(n => n[0] == '-').Distinct()
                .OrderBy(n => n.Length).ThenBy(n => n, StringComparer.Ordinal).Select(n => $"\\fB{Text(n)}\\fR");
            var value = option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0
                ? "" : $" \\fI{Text(option.HelpName ?? "VALUE")}\\fR";
            page.Append($".TP\n{string.Join(", ", names)}{value}\n{Line(Sentence(option.Description))}\n");
        }
    }

    private static void Examples(StringBuilder page, string verb)
    {
        page.Append(".SH EXAMPLES\n.nf\n");
        foreach (var example in Verbs.Examples.Of(verb)) page.Append($"{Text($"{Program} {example}")}\n");
        page.Append(".fi\n");
    }

    private static string Synopsis(Argument argument)
    {
        var name = $"\\fI{Text(argument.Name.ToUpperInvariant())}\\fR" + (argument.Arity.MaximumNumberOfValues > 1 ? " ..." : "");
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    private static string Sentence(string? text) => string.IsNullOrEmpty(text) ? "." : text.EndsWith('.') ? text : text + ".";

    private static string Lower(string text) => text.Length > 0 ? char.ToLowerInvariant(text[0]) + text[1..] : text;

    /// <summary>A line of its own: it must not begin as a request does.</summary>
    private static string Line(string text) => text[0] is '.' or '\'' ? "\\&" + Text(text) : Text(text);

    /// <summary>As it is: groff would make a hyphen of a minus, and quotes of apostrophes. groff_char(7).</summary>
    private static string Text(string text) => text.Replace("\\", "\\e", StringComparison.Ordinal)
        .Replace("-", "\\-", StringComparison.Ordinal).Replace("'", "\\(aq", StringComparison.Ordinal)
        .Replace("`", "\\(ga", StringComparison.Ordinal).Replace("^", "\\(ha", StringComparison.Ordinal)
        .Replace("~", "\\(ti", StringComparison.Ordinal).Replace("…", "...", StringComparison.Ordinal);
}
