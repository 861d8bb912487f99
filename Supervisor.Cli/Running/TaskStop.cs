using Containerd.Services.Tasks.V1;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Status = Containerd.V1.Types.Status;

namespace Supervisor.Cli.Running;

/// <summary>Stops a container as docker does: a signal, time to act on it, and then SIGKILL.</summary>
/// <param name="Signal">The number of the signal.</param>
/// <param name="Within">The time; null to wait without end.</param>
internal sealed record TaskStop(int Signal, TimeSpan? Within)
{
    /// <summary>Returns when the container does not run; at once if it did not.</summary>
    /// <exception cref="RpcException">NotFound: there is no such container.</exception>
    public async Task RunAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        await client.ContainerAsync(id, cancel);
        if (await Removal.FindTaskAsync(client, id, cancel)
            is not { Status: Status.Running or Status.Paused or Status.Pausing } task) return;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var exit = new ProcessClient(client, id).WaitAsync(waiting.Token);
        await SignalAsync(client, id, cancel);
        if (task.Status is not Status.Running) await ResumeAsync(client, id, cancel); // a frozen process gets no signal
        if (Within is { } within) await Task.WhenAny(exit, Task.Delay(within, cancel));
        cancel.ThrowIfCancellationRequested();
        if (Within is not null && !exit.IsCompleted)
        {
            await waiting.CancelAsync();
            await Removal.KillAsync(client, id, cancel);
        }
        else await exit;
    }

    private async Task SignalAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        try
        {
            await SignalDelivery.SendAsync(client, new KillRequest { ContainerId = id, Signal = (uint)Signal }, cancel);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound)
        {
            // It has exited in the meantime.
        }
    }

    private static async Task ResumeAsync(DaemonClient client, string id, CancellationToken cancel)
    {
        try
        {
            await client.StayAsync(() =>
                client.Tasks.ResumeAsync(new ResumeTaskRequest { ContainerId = id }, client.Call(cancel)).ResponseAsync);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.FailedPrecondition or StatusCode.NotFound)
        {
            // Another client has resumed it, or it has exited.
        }
    }
}
