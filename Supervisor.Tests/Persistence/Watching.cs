using Akka.Actor;

namespace Supervisor.Tests.Persistence;

internal static class Watching
{
    /// <summary>Waits, with a deadline, until the actor has stopped.</summary>
    public static Task<bool> WatchAsync(this IActorRef actor, ActorSystem system)
    {
        var ended = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        system.ActorOf(Props.Create(() => new Watcher(actor, ended)));
        return ended.Task.WaitAsync(Probe.Soon);
    }

    private sealed class Watcher : ReceiveActor
    {
        public Watcher(IActorRef actor, TaskCompletionSource<bool> ended)
        {
            Context.Watch(actor);
            Receive<Terminated>(_ => ended.SetResult(true));
        }
    }
}
