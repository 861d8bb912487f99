using Containerd.Services.Tasks.V1;
using Grpc.Core;
using Supervisor.Client.Connection;
using Supervisor.Client.Errors;

namespace Supervisor.Client;

/// <summary>One more process in a task.</summary>
public sealed class ExecProcess : TaskProcess
{
    internal ExecProcess(DaemonConnection connection, string containerId, string id) : base(connection, containerId, id) { }

    private protected override string ExecId => Id;

    private protected override string Name => $"exec {Id} of container {ContainerId}";

    private protected override AsyncUnaryCall<DeleteResponse> Delete(CallOptions call) =>
        Connection.Tasks.DeleteProcessAsync(new DeleteProcessRequest { ContainerId = ContainerId, ExecId = Id }, call);

    private protected override async Task UndoAsync()
    {
        try
        {
            if ((await StatusAsync()).State is ProcessState.Running)
            {
                await KillAsync(9);
                using var deadline = new CancellationTokenSource(Connection.Options.Timeout);
                await WaitAsync(deadline.Token);
            }
            await DeleteAsync();
        }
        catch (Exception e) when (e is ClientException or OperationCanceledException)
        {
            // The first error is what the caller needs.
        }
    }
}
