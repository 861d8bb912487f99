using Containerd.Services.Tasks.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Kernel.Processes;

namespace Supervisor.Cli.Running;

/// <summary>Signals that are sent once, also over a restart of the daemon.</summary>
internal static class SignalDelivery
{
    /// <summary>
    /// Sends a signal. If the daemon exits during the call, the next one is asked only if a second delivery changes nothing: many
    /// programs take a second SIGTERM or SIGINT for the order to end at once, without saving what they were asked to save.
    /// </summary>
    public static async Task SendAsync(DaemonClient client, KillRequest request, CancellationToken cancel)
    {
        var (id, signal) = (request.ContainerId, (Signal)request.Signal);
        _ = signal is Signal.None or Signal.SIGKILL or Signal.SIGSTOP or Signal.SIGCONT
            ? await client.RepeatAsync(StatusCode.NotFound, Call)
            : await client.OnceAsync(
                $"it is not known whether the signal was delivered to {id}; it is not sent again, because a second one can cut a "
                    + $"shutdown short: check \"{client.CommandLine} inspect {id}\", and repeat the command if it is needed",
                Call);

        Task<Empty> Call() => client.Tasks.KillAsync(request, client.Call(cancel)).ResponseAsync;
    }
}
