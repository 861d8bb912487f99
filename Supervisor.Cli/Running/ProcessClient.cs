using Containerd.Services.Tasks.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Runtime.Stdio;
using Status = Containerd.V1.Types.Status;

namespace Supervisor.Cli.Running;

/// <summary>
/// A client's calls about one process: a container's init, or an exec. All but the start and the wait ignore errors: the
/// process or the daemon has exited, and the wait shows which.
/// </summary>
/// <param name="exec">Empty for the init.</param>
internal sealed class ProcessClient(DaemonClient client, string container, string exec = "")
{
    /// <summary>Starts it. When the daemon exits during the call, the next one is asked first whether it was started.</summary>
    /// <exception cref="CliException">It cannot be started.</exception>
    /// <param name="trace">Printed when it has been, or cannot be; null for none.</param>
    /// <param name="raw">As in <see cref="TraceOutput.Print"/>.</param>
    public async Task StartAsync(CancellationToken cancel, TraceOutput? trace = null, bool raw = false)
    {
        var isRepeated = false;
        try
        {
            await client.StayAsync(async () =>
            {
                if (isRepeated && await StatusAsync(cancel) is not Status.Created) return new StartResponse();
                isRepeated = true;
                return await client.Tasks.StartAsync(
                    new StartRequest { ContainerId = container, ExecId = exec }, client.Call(cancel));
            });
        }
        catch (RpcException e)
        {
            throw new CliException(e.Status.Detail, ExitCodes.OfFailedStart(e));
        }
        finally
        {
            trace?.Print(raw);
        }
    }

    /// <summary>Waits for its exit, over restarts of the daemon.</summary>
    public Task<WaitResponse> WaitAsync(CancellationToken cancel) => client.StayAsync(() => client.Tasks.WaitAsync(
        new WaitRequest { ContainerId = container, ExecId = exec }, client.OpenEnded(cancel)).ResponseAsync);

    public Task SignalAsync(int signal) => IgnoreErrorsAsync(client.Tasks.KillAsync(
        new KillRequest { ContainerId = container, ExecId = exec, Signal = (uint)signal }, client.Call()).ResponseAsync);

    public Task CloseInputAsync() => IgnoreErrorsAsync(client.Tasks.CloseIOAsync(
        new CloseIORequest { ContainerId = container, ExecId = exec, Stdin = true }, client.Call()).ResponseAsync);

    /// <summary>Gives its terminal the size of ours now, and whenever that changes, until disposed.</summary>
    /// <param name="redraws">As in <see cref="SizeFollower"/>.</param>
    public IDisposable FollowSize(bool redraws = false) => new SizeFollower(ResizeAsync, redraws);

    /// <param name="more">Columns and rows added to the size of our terminal.</param>
    private Task ResizeAsync(uint more) => RawTerminal.Size() is not var (rows, columns)
        ? Task.CompletedTask
        : IgnoreErrorsAsync(client.Tasks.ResizePtyAsync(
            new ResizePtyRequest { ContainerId = container, ExecId = exec, Width = columns + more, Height = rows + more },
            client.Call()).ResponseAsync);

    private async Task<Status> StatusAsync(CancellationToken cancel) => (await client.Tasks.GetAsync(
        new GetRequest { ContainerId = container, ExecId = exec }, client.Call(cancel))).Process.Status;

    private static async Task IgnoreErrorsAsync(Task<Empty> call)
    {
        try
        {
            await call;
        }
        catch (RpcException)
        {
        }
    }
}
