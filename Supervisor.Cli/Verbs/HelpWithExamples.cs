using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Supervisor.Cli.Verbs;

/// <summary>The help of a verb, and then its examples.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var status = help.Invoke(parseResult);
        // Of "image prune", those of image.
        var command = parseResult.CommandResult;
        while (command.Parent is System.CommandLine.Parsing.CommandResult { Command: not RootCommand } above) command = above;
        var verb = command.Command is RootCommand ? "" : command.Command.Name;
        var output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Examples:");
        foreach (var example in Examples.Of(verb)) output.WriteLine($"  supervisor {example}");
        return status;
    }
}
