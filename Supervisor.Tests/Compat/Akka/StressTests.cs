using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class StressTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF, akka.log-dead-letters = off")
{
    private const int Actors = 1_000, Senders = 4, Each = 250_000;

    private sealed class Boom : Exception;

    /// <summary>Checks that the numbers of one sender only ever grow, whatever fails around it.</summary>
    private sealed class Checking(Tally tally) : UntypedActor
    {
        private readonly int[] _last = new int[Senders];
        private int _inside;

        protected override void OnReceive(object message)
        {
            if (Interlocked.Increment(ref _inside) != 1) Interlocked.Increment(ref tally.Overlaps);
            try
            {
                if (message is not (int sender, int number)) return;
                if (number <= _last[sender]) Interlocked.Increment(ref tally.Disorders);
                _last[sender] = number;
                Interlocked.Increment(ref tally.Handled);
                if (number % 997 == 0) throw new Boom();
                if (number % 4999 == 0) Context.Stop(Self);
            }
            finally
            {
                Interlocked.Decrement(ref _inside);
            }
        }

        protected override void PostStop() => Interlocked.Increment(ref tally.Stops);
    }

    private sealed class Tally
    {
        public long Handled, Overlaps, Disorders, Stops, Terminated;
    }

    private sealed class Parent : ReceiveActor
    {
        public Parent(Tally tally)
        {
            Receive<int>(_ => Sender.Tell(Context.Watch(Context.ActorOf(Props.Create(() => new Checking(tally))))));
            Receive<Terminated>(_ => Interlocked.Increment(ref tally.Terminated));
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Restart);
    }

    [Fact]
    public async Task A_million_messages_with_failures_and_stops_keep_every_promise()
    {
        var tally = new Tally();
        var dead = new DeadCounter();
        var counter = Sys.ActorOf(Props.Create(() => new Counting(dead)));
        Sys.EventStream.Subscribe(counter, typeof(Akka.Event.DeadLetter));
        var parent = Sys.ActorOf(Props.Create(() => new Parent(tally)));
        var actors = new IActorRef[Actors];
        for (var i = 0; i < Actors; i++) actors[i] = await parent.Ask<IActorRef>(i, TimeSpan.FromSeconds(5));

        await Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(() =>
        {
            var random = new Random(sender);
            for (var number = 1; number <= Each; number++) actors[random.Next(Actors)].Tell((sender, number), ActorRefs.NoSender);
        }))).WaitAsync(TimeSpan.FromSeconds(30));

        // Each message was either handled or has become a dead letter: none is lost, none is doubled.
        await AwaitConditionAsync(() => Volatile.Read(ref tally.Handled) + Volatile.Read(ref dead.Count) >= Senders * Each, TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(20));
        foreach (var actor in actors) Sys.Stop(actor);
        await AwaitConditionAsync(() => Volatile.Read(ref tally.Terminated) >= Actors, TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(20));
        Assert.Equal(Senders * Each, tally.Handled + dead.Count);
        Assert.Equal(0, tally.Overlaps);
        Assert.Equal(0, tally.Disorders);
        Assert.Equal(Actors, tally.Terminated);
        Assert.True(tally.Stops >= Actors);
    }

    private sealed class DeadCounter
    {
        public long Count;
    }

    private sealed class Counting(DeadCounter counter) : UntypedActor
    {
        protected override void OnReceive(object message) => Interlocked.Increment(ref counter.Count);
    }
}
