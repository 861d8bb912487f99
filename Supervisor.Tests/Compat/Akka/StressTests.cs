using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

/// <summary>Ten million messages to ten thousand actors that fail, are restarted, stop themselves and are made anew.</summary>
public sealed class StressTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF, akka.log-dead-letters = off")
{
    private const int Actors = 10_000, Senders = 4, Each = 2_500_000, Total = Senders * Each, Ahead = 200_000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4), Pause = TimeSpan.FromMilliseconds(20);

    private sealed class Boom : Exception;

    private sealed record Job(int Sender, int Number);

    private sealed class Tally
    {
        public long Handled, Dead, Overlaps, Disorders, Failures, Instances, Restarts, Starts, Stops, Terminated, Late;
        public long Settled => Volatile.Read(ref Handled) + Volatile.Read(ref Dead);
    }

    /// <summary>Checks that it runs on one thread at a time, that the numbers of a sender only grow, and that nothing comes after its stop.</summary>
    private sealed class Checking : UntypedActor
    {
        private readonly Tally _tally;
        private readonly int[] _last = new int[Senders];
        private int _inside;
        private bool _stopped;

        public Checking(Tally tally)
        {
            _tally = tally;
            Interlocked.Increment(ref tally.Instances);
        }

        protected override void OnReceive(object message)
        {
            var job = (Job)message;
            if (Interlocked.Increment(ref _inside) != 1) Interlocked.Increment(ref _tally.Overlaps);
            if (job.Number <= _last[job.Sender]) Interlocked.Increment(ref _tally.Disorders);
            if (_stopped) Interlocked.Increment(ref _tally.Late);
            _last[job.Sender] = job.Number;
            Interlocked.Increment(ref _tally.Handled);
            Interlocked.Decrement(ref _inside);
            if (job.Number % 9973 == 0)
            {
                Interlocked.Increment(ref _tally.Failures);
                throw new Boom();
            }
            if (job.Number % 49_999 == 0) Context.Stop(Self);
        }

        protected override void PreStart() => Interlocked.Increment(ref _tally.Starts);

        protected override void PostRestart(Exception reason)
        {
            Interlocked.Increment(ref _tally.Restarts);
            base.PostRestart(reason);
        }

        protected override void PostStop()
        {
            _stopped = true;
            Interlocked.Increment(ref _tally.Stops);
        }
    }

    /// <summary>Keeps ten thousand alive: who has stopped is made anew, in the same place of the array.</summary>
    private sealed class Parent : ReceiveActor
    {
        public Parent(Tally tally, IActorRef[] actors)
        {
            var places = new Dictionary<IActorRef, int>();
            var ending = false;
            void Make(int place)
            {
                var child = Context.Watch(Context.ActorOf(Props.Create(() => new Checking(tally))));
                places[child] = place;
                Volatile.Write(ref actors[place], child);
            }

            Receive<string>(s => s == "begin", _ =>
            {
                for (var i = 0; i < actors.Length; i++) Make(i);
                Sender.Tell("begun");
            });
            Receive<string>(s => s == "end", _ =>
            {
                ending = true;
                foreach (var child in places.Keys.ToList()) Context.Stop(child);
            });
            Receive<Terminated>(t =>
            {
                Interlocked.Increment(ref tally.Terminated);
                Assert.True(places.Remove(t.ActorRef, out var place));
                if (!ending) Make(place);
            });
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(e => e is Boom ? Directive.Restart : Directive.Escalate);
    }

    private sealed class DeadLetters(Tally tally) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is DeadLetter { Message: Job }) Interlocked.Increment(ref tally.Dead);
        }
    }

    [Fact]
    public async Task Ten_million_messages_with_failures_restarts_and_stops_keep_every_promise()
    {
        var tally = new Tally();
        Sys.EventStream.Subscribe(Sys.ActorOf(Props.Create(() => new DeadLetters(tally))), typeof(DeadLetter));
        var actors = new IActorRef[Actors];
        var parent = Sys.ActorOf(Props.Create(() => new Parent(tally, actors)));
        await parent.Ask<string>("begin", TimeSpan.FromSeconds(30));

        await Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Factory.StartNew(() =>
        {
            var random = new Random(sender);
            for (var number = 1; number <= Each; number++)
            {
                Volatile.Read(ref actors[random.Next(Actors)]).Tell(new Job(sender, number), ActorRefs.NoSender);
                // No more than so many wait at a time: what is to be tested is the runtime, not the memory of the machine.
                if (number % 1000 == 0) SpinWait.SpinUntil(() => (long)number * Senders - tally.Settled < Ahead, TimeSpan.FromMilliseconds(100));
            }
        }, TaskCreationOptions.LongRunning))).WaitAsync(Patience);

        // Each message was handled or has become a dead letter, none is lost and none is doubled.
        await AwaitConditionAsync(() => tally.Settled >= Total, Patience, Pause);
        parent.Tell("end");
        await AwaitConditionAsync(() => Volatile.Read(ref tally.Stops) >= Volatile.Read(ref tally.Instances), TimeSpan.FromMinutes(1), Pause);
        await AwaitConditionAsync(() => Volatile.Read(ref tally.Terminated) >= tally.Instances - tally.Restarts, TimeSpan.FromMinutes(1), Pause);
        Assert.Equal(Total, tally.Settled);
        Assert.Equal((0L, 0L, 0L), (tally.Overlaps, tally.Disorders, tally.Late));
        Assert.True(tally.Failures > 500 && tally.Terminated > Actors + 100, $"{tally.Failures} failures, {tally.Terminated} ends: too few");
        // Every instance has been started and stopped once, and each actor has ended once: PreRestart stops, PostRestart starts.
        Assert.Equal((tally.Instances, tally.Instances), (tally.Starts, tally.Stops));
        Assert.Equal(tally.Instances - tally.Restarts, tally.Terminated);
        await Assert.ThrowsAsync<ActorNotFoundException>(() => Sys.ActorSelection(parent.Path / "*").ResolveOne(TimeSpan.FromMilliseconds(200)));
    }
}
