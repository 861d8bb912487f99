using System.CommandLine;
using Supervisor.Cli.Output;
using Supervisor.Runtime.Probing;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor doctor</c>: what this host's kernel offers, and what we use it for.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var command = new Command("doctor", "Shows what the host offers to containers");
        command.Does(async (_, _) =>
        {
            var features = HostFeatures.Probe();
            await Console.Out.WriteAsync(TextTable.Render(
                ["FEATURE", "PRESENT", "USED FOR", "DETAIL"],
                features.Select(f => new[] { f.Name, f.Present ? "yes" : "no", f.UsedFor, f.Detail })));
            return 0;
        });
        return command;
    }
}
