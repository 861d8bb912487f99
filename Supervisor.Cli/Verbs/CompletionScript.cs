using System.CommandLine;
using System.Text;

namespace Supervisor.Cli.Verbs;

/// <summary>Scripts for shells, from the definitions of the verbs. Ids of containers are asked of the daemon.</summary>
internal static class CompletionScript
{
    private const string Ids = "supervisor ps -aq 2>/dev/null";

    public static string Bash(RootCommand root)
    {
        var verbs = new StringBuilder();
        foreach (var verb in root.Subcommands)
        {
            verbs.Append($"    {verb.Name}) options=\"{string.Join(' ', Words(verb).Concat(Words(root)))}\"");
            if (TakesContainers(verb)) verbs.Append(" ids=1");
            foreach (var argument in verb.Arguments.Where(a => a.Name == "shell"))
                verbs.Append($" words=\"{Choices(argument)}\"");
            if (verb.Subcommands.Count > 0) verbs.Append($" words=\"{string.Join(' ', verb.Subcommands.Select(v => v.Name))}\"");
            verbs.Append(" ;;\n");
        }
        var (options, names) = (string.Join(' ', Words(root)), string.Join(' ', root.Subcommands.Select(v => v.Name)));
        return $$"""
            _supervisor() {
              local word=${COMP_WORDS[COMP_CWORD]} verb= options= ids= words= i
              for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]} in
                  --address|--namespace|-n) ((i++)) ;;
                  -*) ;;
                  *) verb=${COMP_WORDS[i]}; break ;;
                esac
              done
              case $verb in
                '') options="{{options}}" words="{{names}} help" ;;
            {{verbs}}  esac
              case $word in
                -*) words=$options ;;
                *) [ -z "$ids" ] || words=$({{Ids}}) ;;
              esac
              COMPREPLY=($(compgen -W "$words" -- "$word"))
            }
            complete -o default -F _supervisor supervisor

            """;
    }

    public static string Fish(RootCommand root)
    {
        var script = new StringBuilder();
        foreach (var verb in root.Subcommands)
        {
            script.Append($"complete -c supervisor -n __fish_use_subcommand -f -a {verb.Name} -d {Quoted(verb.Description)}\n");
            var seen = $"-n '__fish_seen_subcommand_from {verb.Name}'";
            foreach (var option in verb.Options.Where(o => !o.Hidden))
                script.Append($"complete -c supervisor {seen}{Spelled(option)} -d {Quoted(option.Description)}\n");
            if (TakesContainers(verb)) script.Append($"complete -c supervisor {seen} -f -a '({Ids})'\n");
            foreach (var argument in verb.Arguments.Where(a => a.Name == "shell"))
                script.Append($"complete -c supervisor {seen} -f -a '{Choices(argument)}'\n");
            foreach (var below in verb.Subcommands)
                script.Append($"complete -c supervisor {seen} -f -a {below.Name} -d {Quoted(below.Description)}\n");
        }
        foreach (var option in root.Options)
            script.Append($"complete -c supervisor{Spelled(option)} -d {Quoted(option.Description)}\n");
        return script.ToString();
    }

    private static string Spelled(Option option) => string.Concat(Names(option).Select(name => name switch
    {
        ['-', '-', .. var name1] => $" -l {name1}",
        ['-', var letter] and not "-?" => $" -s {letter}",
        _ => "",
    })) + (option.ValueType != typeof(bool) && option.Arity.MaximumNumberOfValues > 0 ? " -r" : "");

    private static IEnumerable<string> Words(Command command) => command.Options.Where(o => !o.Hidden).SelectMany(Names);

    private static IEnumerable<string> Names(Option option) =>
        option.Aliases.Append(option.Name).Where(n => n[0] == '-').Distinct().Order(StringComparer.Ordinal);

    private static bool TakesContainers(Command verb) => verb.Arguments.Any(a => a.Name == "container");

    private static string Choices(Argument argument) =>
        string.Join(' ', argument.GetCompletions(System.CommandLine.Completions.CompletionContext.Empty).Select(c => c.Label));

    private static string Quoted(string? text) => $"'{(text ?? "").Replace("'", "\\'", StringComparison.Ordinal)}'";
}
