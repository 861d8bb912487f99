using Akka.Actor;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Host.Daemon;

namespace Supervisor.Host.Services;

/// <summary>
/// Deletes execs once they have exited, if their client asked for it by a header: <c>exec -d</c> does not wait, and the client of
/// another may be killed. The header's value is the number of seconds that a client has to do it itself.
/// </summary>
public sealed class ExecRemoval(SupervisorSystem system, DaemonLifetime lifetime, ILogger<ExecRemoval> log, TimeProvider clock)
{
    /// <summary>The header of the call that adds an exec.</summary>
    public const string Header = "supervisor-remove-after";

    /// <summary>What a client asks for; null for nothing.</summary>
    /// <exception cref="InvalidFieldException">The header's value is no delay.</exception>
    internal static TimeSpan? Requested(ServerCallContext context) =>
        context.RequestHeaders.GetValue(Header) is not { } value ? null
        : AutoRemoval.TryDelay(value) ?? throw new InvalidFieldException(
            $"header {Header}", $"\"{value}\" is not a number of seconds from 0 to {AutoRemoval.LongestDelay}");

    /// <summary>Watches what earlier daemons were asked for.</summary>
    public void Begin()
    {
        foreach (var container in system.Directory.All)
            foreach (var exec in container.Execs.Keys) Watch(ExecId.Parse(container.Record.Id, exec));
    }

    /// <summary>Deletes an exec some time after its exit, if that was asked for. Called when it has been added.</summary>
    public void Watch(ExecId id)
    {
        if (Find(id) is { State.Setup.RemoveAfter: { } delay } exec) _ = WatchAsync(id, exec.Exited, delay);
    }

    private async Task WatchAsync(ExecId id, Task<TaskExit> exited, TimeSpan delay)
    {
        try
        {
            await exited.WaitAsync(lifetime.Stopping);
            await Task.Delay(delay, clock, lifetime.Stopping);
            // Not if it was deleted in the meantime, or its id is another's now.
            if (Find(id)?.Exited != exited || system.Directory.Find(id.Container)?.Task.Actor is not { } task) return;
            var reply = await task.Ask<ExecReply>(
                new ExecCommand.Delete(id, clock.GetUtcNow()), AutoRemoval.AnswerWithin, lifetime.Stopping);
            if (reply.Refusal is { Code: not RefusalCode.NotFound } refusal) Log.ExecNotRemoved(log, $"{id}", refusal.Message);
        }
        catch (OperationCanceledException)
        {
            // The next daemon watches it.
        }
        catch (AskTimeoutException e)
        {
            Log.ExecNotRemoved(log, $"{id}", e.Message);
        }
    }

    private ExecView? Find(ExecId id) => system.Directory.Find(id.Container)?.Execs.GetValueOrDefault(id.Value);
}
