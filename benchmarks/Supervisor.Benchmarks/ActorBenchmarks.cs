using Akka.Actor;
using Akka.Configuration;

namespace Supervisor.Benchmarks;

/// <summary>The cost of a message, an ask, an event and an actor.</summary>
internal static class ActorBenchmarks
{
    private const int Sends = 1_000_000, Passes = 200_000, Asks = 20_000, Subscribers = 1_000, Events = 300, Actors = 50_000;

    public static IEnumerable<Benchmark> All =>
    [
        new("tell-one-to-one", "messages/s", Tell),
        new("ping-pong", "round-trips/s", PingPong),
        new("ask", "questions/s", Ask),
        new("event-stream-to-1000", "deliveries/s", FanOut),
        new("actor-creation", "actors/s", async () => (await Create()).PerSecond),
        new("idle-actor", "bytes", async () => (await Create()).BytesEach),
    ];

    /// <summary>Counts messages up to a number, then signals.</summary>
    private sealed class Countdown(int count)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = count;

        public Task Done => _done.Task;
        public void Signal()
        {
            if (Interlocked.Decrement(ref _left) == 0) _done.SetResult();
        }
    }

    private sealed class Counter(Countdown countdown) : UntypedActor
    {
        protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(Countdown));
        protected override void OnReceive(object message) => countdown.Signal();
    }

    private sealed class Echo : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(message);
    }

    /// <summary>Returns a message a number of times.</summary>
    private sealed class Player(IActorRef other, Countdown countdown) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            countdown.Signal();
            other.Tell(message, Self);
        }
    }

    private sealed class Idle(Countdown started) : UntypedActor
    {
        protected override void PreStart() => started.Signal();
        protected override void OnReceive(object message) { }
    }

    private static async Task<double> With(Func<ActorSystem, Task<double>> work)
    {
        using var system = ActorSystem.Create(
            "bench", ConfigurationFactory.ParseString("akka { loglevel = OFF, stdout-loglevel = OFF, log-dead-letters = off }"));
        try
        {
            return await work(system);
        }
        finally
        {
            await system.Terminate();
        }
    }

    private static Task<double> Tell() => With(system =>
    {
        var countdown = new Countdown(Sends);
        var counter = system.ActorOf(Props.Create(() => new Counter(countdown)));
        var message = new object();
        return Benchmark.Rate(Sends, () =>
        {
            for (var i = 0; i < Sends; i++) counter.Tell(message, ActorRefs.NoSender);
            return countdown.Done;
        });
    });

    private static Task<double> PingPong() => With(system =>
    {
        var countdown = new Countdown(Passes);
        var echo = system.ActorOf(Props.Create(() => new Echo()));
        var player = system.ActorOf(Props.Create(() => new Player(echo, countdown)));
        return Benchmark.Rate(Passes, () =>
        {
            player.Tell("ball", ActorRefs.NoSender);
            return countdown.Done;
        });
    });

    private static Task<double> Ask() => With(system =>
    {
        var echo = system.ActorOf(Props.Create(() => new Echo()));
        return Benchmark.Rate(Asks, async () =>
        {
            for (var i = 0; i < Asks; i++) await echo.Ask<string>("x", TimeSpan.FromSeconds(5));
        });
    });

    private static Task<double> FanOut() => With(async system =>
    {
        var countdown = new Countdown(Subscribers * Events);
        var subscribers = Enumerable.Range(0, Subscribers).Select(_ => system.ActorOf(Props.Create(() => new Counter(countdown))))
            .ToList();
        // An actor that replies has started, and so has subscribed.
        await Task.WhenAll(subscribers.Select(s => s.Ask<ActorIdentity>(new Identify(null), TimeSpan.FromSeconds(5))));
        return await Benchmark.Rate(Subscribers * Events, () =>
        {
            for (var i = 0; i < Events; i++) system.EventStream.Publish(countdown);
            return countdown.Done;
        });
    });

    private static async Task<(double PerSecond, double BytesEach)> Create()
    {
        double bytes = 0;
        var perSecond = await With(async system =>
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var started = new Countdown(Actors);
            var props = Props.Create(() => new Idle(started));
            var rate = await Benchmark.Rate(Actors, () =>
            {
                for (var i = 0; i < Actors; i++) system.ActorOf(props);
                return started.Done;
            });
            bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Actors;
            return rate;
        });
        return (perSecond, bytes);
    }
}
