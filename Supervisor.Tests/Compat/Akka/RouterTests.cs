using Akka.Actor;
using Akka.Routing;
using Akka.TestKit.Xunit2;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class RouterTests() : TestKit("akka.loglevel = OFF, akka.stdout-loglevel = OFF")
{
    private sealed class Named : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is Task gate) gate.Wait(TimeSpan.FromSeconds(5));
            else if (message is Exception e) throw e;
            else Sender.Tell(Self.Path.Name);
        }
    }

    private IActorRef Pool(RouterConfig config) => Sys.ActorOf(Props.Create<Named>().WithRouter(config));

    private async Task<List<string>> Names(int count)
    {
        var names = new List<string>();
        for (var i = 0; i < count; i++) names.Add(await ExpectMsgAsync<string>());
        return names;
    }

    [Fact]
    public async Task Round_robin_takes_turns()
    {
        var router = Pool(new RoundRobinPool(3));
        for (var i = 0; i < 9; i++) router.Tell(i);
        Assert.All((await Names(9)).CountBy(n => n), c => Assert.Equal(3, c.Value));
    }

    [Fact]
    public async Task A_broadcast_reaches_all()
    {
        Pool(new RoundRobinPool(4)).Tell(new Broadcast("x"));
        Assert.Equal(4, (await Names(4)).Distinct().Count());
    }

    [Fact]
    public async Task Smallest_mailbox_avoids_the_busy_one()
    {
        var router = Pool(new SmallestMailboxPool(2));
        var gate = new TaskCompletionSource();
        router.Tell(gate.Task);
        // One of two is stuck; each of these waits for its answer, so the other one is idle every time.
        var names = new HashSet<string>();
        for (var i = 0; i < 10; i++) names.Add(await router.Ask<string>("x", TimeSpan.FromSeconds(20)));
        gate.SetResult();
        Assert.Single(names);
    }

    [Fact]
    public async Task Consistent_hashing_keeps_a_key_with_its_routee()
    {
        var router = Pool(new ConsistentHashingPool(5));
        var first = new Dictionary<int, string>();
        for (var round = 0; round < 3; round++)
            for (var key = 0; key < 20; key++)
            {
                var name = await router.Ask<string>(new ConsistentHashableEnvelope("x", key), TimeSpan.FromSeconds(20));
                Assert.Equal(first.TryAdd(key, name) ? name : first[key], name);
            }
        Assert.True(first.Values.Distinct().Count() > 1);
    }

    [Fact]
    public async Task A_router_names_its_routees()
    {
        var routees = await Pool(new RoundRobinPool(4)).Ask<Routees>(GetRoutees.Instance, TimeSpan.FromSeconds(20));
        Assert.Equal(4, routees.Members.Count());
    }

    [Fact]
    public async Task A_dead_routee_is_left_out_and_the_last_ends_the_router()
    {
        var router = Pool(new RoundRobinPool(2));
        Watch(router);
        var members = (await router.Ask<Routees>(GetRoutees.Instance, TimeSpan.FromSeconds(20))).Members.Cast<ActorRefRoutee>().ToList();
        Sys.Stop(members[0].Actor);
        await AwaitAssertAsync(async () => Assert.Single((await router.Ask<Routees>(GetRoutees.Instance, TimeSpan.FromSeconds(20))).Members), interval: TimeSpan.FromMilliseconds(10));
        Sys.Stop(members[1].Actor);
        await ExpectTerminatedAsync(router);
    }

    [Fact]
    public async Task A_pill_for_the_router_stops_it_with_its_routees()
    {
        var router = Pool(new RoundRobinPool(3));
        var member = (await router.Ask<Routees>(GetRoutees.Instance, TimeSpan.FromSeconds(20))).Members.Cast<ActorRefRoutee>().First().Actor;
        Watch(member);
        router.Tell(PoisonPill.Instance);
        await ExpectTerminatedAsync(member);
        Watch(router);
        await ExpectTerminatedAsync(router);
    }

    [Fact]
    public async Task A_pool_grows_and_shrinks_when_told()
    {
        var router = Pool(new RoundRobinPool(2));
        router.Tell(new AdjustPoolSize(3));
        Assert.Equal(5, (await router.Ask<Routees>(GetRoutees.Instance, TimeSpan.FromSeconds(20))).Members.Count());
        router.Tell(new AdjustPoolSize(-4));
        Assert.Single((await router.Ask<Routees>(GetRoutees.Instance, TimeSpan.FromSeconds(20))).Members);
    }

    [Fact]
    public async Task The_pools_own_strategy_decides_about_routees()
    {
        var router = Pool(new RoundRobinPool(1).WithSupervisorStrategy(new OneForOneStrategy(_ => Directive.Stop)));
        Watch(router);
        router.Tell(new InvalidOperationException());
        await ExpectTerminatedAsync(router);
    }

    [Fact]
    public async Task By_default_a_failed_routee_is_restarted()
    {
        var router = Pool(new RoundRobinPool(2));
        var before = (await router.Ask<Routees>(GetRoutees.Instance, TimeSpan.FromSeconds(20))).Members.ToList();
        router.Tell(new InvalidOperationException());
        router.Tell("a");
        router.Tell("b");
        Assert.Equal(2, (await Names(2)).Distinct().Count());
        var after = (await router.Ask<Routees>(GetRoutees.Instance, TimeSpan.FromSeconds(20))).Members.ToList();
        Assert.Equal(before, after);
    }
}
