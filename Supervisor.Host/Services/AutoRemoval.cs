using System.Globalization;
using Akka.Actor;
using Supervisor.Actors;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Host.Daemon;

namespace Supervisor.Host.Services;

/// <summary>
/// Removes containers once they have exited, if a label asks for it: those of <c>run --rm</c>, whose client may be gone by then.
/// The label's value is the number of seconds that a client has to do it itself.
/// </summary>
public sealed class AutoRemoval(
    SupervisorSystem system, ContainerDeletion deletion, DaemonLifetime lifetime, ILogger<AutoRemoval> log, TimeProvider clock)
{
    /// <summary>The label. The prefix is ours.</summary>
    public const string Label = "supervisor.io/remove-after";

    internal const int LongestDelay = 24 * 60 * 60;
    internal static readonly TimeSpan AnswerWithin = TimeSpan.FromMinutes(1);

    /// <exception cref="InvalidFieldException">The label is there and its value is no delay.</exception>
    internal static void Check(IEnumerable<KeyValuePair<string, string>> labels)
    {
        foreach (var (name, value) in labels)
            if (name == Label && value.Length > 0 && TryDelay(value) is null)
                throw new InvalidFieldException(
                    $"container.labels[{Label}]", $"\"{value}\" is not a number of seconds from 0 to {LongestDelay}");
    }

    /// <summary>Watches what an earlier daemon has started.</summary>
    public void Begin()
    {
        foreach (var container in system.Directory.All) Watch(container.Record.Id);
    }

    /// <summary>Removes a container when its present task has exited. Called when that is started.</summary>
    public void Watch(ContainerId id)
    {
        if (system.Directory.Find(id) is { Task: { Exists: true } task } view && view.Record.Labels.ContainsKey(Label))
            _ = WatchAsync(id, task.Exited);
    }

    private async Task WatchAsync(ContainerId id, Task<TaskExit> exited)
    {
        try
        {
            await exited.WaitAsync(lifetime.Stopping);
            if (Delay(id) is { } delay) await Task.Delay(delay, clock, lifetime.Stopping);
            // Not if it was removed, started again or replaced in the meantime, or has lost the label.
            if (Delay(id) is null || system.Directory.Find(id) is not { } view || view.Task.Exited != exited) return;
            var reply = await view.Task.Actor!.Ask<TaskReply>(
                new TaskCommand.Delete(id, clock.GetUtcNow()), AnswerWithin, lifetime.Stopping);
            var refusal = reply.Refusal ?? await deletion.DeleteAsync(view, AnswerWithin, lifetime.Stopping);
            if (refusal is { Code: not RefusalCode.NotFound }) Log.NotRemoved(log, $"{id}", refusal.Message);
        }
        catch (OperationCanceledException)
        {
            // The next daemon watches it.
        }
        catch (Exception e) when (e is AskTimeoutException or TimeoutException)
        {
            Log.NotRemoved(log, $"{id}", e.Message);
        }
    }

    private TimeSpan? Delay(ContainerId id) =>
        system.Directory.Find(id)?.Record.Labels.GetValueOrDefault(Label) is { } value ? TryDelay(value) : null;

    /// <returns>Null where it is no number of seconds.</returns>
    internal static TimeSpan? TryDelay(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= LongestDelay
            ? TimeSpan.FromSeconds(seconds) : null;
}
