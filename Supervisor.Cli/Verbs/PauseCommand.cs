using System.CommandLine;
using Containerd.Services.Tasks.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Parsing;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor pause</c> and <c>unpause</c>: freezes every process of a container, and thaws them.</summary>
internal static class PauseCommand
{
    public static Command Create() => Create("pause", "Freezes all processes of containers", (client, id, call) =>
        client.Tasks.PauseAsync(new PauseTaskRequest { ContainerId = id }, call));

    public static Command CreateUnpause() => Create("unpause", "Thaws all processes of paused containers", (client, id, call) =>
        client.Tasks.ResumeAsync(new ResumeTaskRequest { ContainerId = id }, call));

    private static Command Create(
        string name, string description, Func<DaemonClient, string, CallOptions, AsyncUnaryCall<Empty>> act)
    {
        var ids = Ids.OneOrMore();
        var command = new Command(name, description) { ids };
        command.Does((parse, client, cancel) => Each.DoAsync(parse.GetRequiredValue(ids), async id =>
        {
            // The second time it is refused, because it has been done.
            await client.RepeatAsync(StatusCode.FailedPrecondition, () => act(client, id, client.Call(cancel)).ResponseAsync);
            await Console.Out.WriteLineAsync(id);
        }));
        return command;
    }
}
