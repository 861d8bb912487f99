using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Programs;

namespace Supervisor.Shim.Oci;

/// <summary><c>start</c>: runs the program of a created container.</summary>
internal static class StartVerb
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static readonly Verb Verb = new("start", "ID", "run the program of a created container", [], 1, 1, Run);

    private static int Run(Invocation invocation)
    {
        using var only = invocation.Store.Lock(invocation.Id);
        using var live = LiveContainer.Open(invocation.Store, invocation.Id);
        switch (live.Status)
        {
            case "created": break;
            case "stopped": throw new OciException("cannot start a container that has stopped");
            case "running": throw new OciException("cannot start an already running container");
            case var status: throw new OciException($"cannot start a container in the {status} state");
        }
        using var deadline = new CancellationTokenSource(Patience);
        using var notify = NotifySocket.TryListen(invocation.Store.DirectoryOf(invocation.Id));
        StartSocket.Start(invocation.Store.DirectoryOf(invocation.Id), deadline.Token);
        try
        {
            PostHooks.AfterStart(live.State, live.Pid, deadline.Token);
        }
        catch
        {
            live.Container?.Signal((int)Signal.SIGKILL);
            throw;
        }
        only.Dispose(); // other commands may work on the container while it gets ready
        if (live.Container is not null) notify?.Wait(live.Container);
        return 0;
    }
}
