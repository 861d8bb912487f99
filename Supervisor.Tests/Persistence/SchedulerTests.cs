using Akka.Actor;

namespace Supervisor.Tests.Persistence;

/// <summary>
/// The first caller of Akka's scheduler starts its loop as a task of the thread pool, and all callers wait for it. If they were
/// persistent actors that recover (each sets a timeout), they would hold every thread that the loop could start on, until the
/// pool has grown beyond their number: ten seconds for fifty of them on two processors, in one start of three.
/// </summary>
[Collection(Alone.Name)]
public sealed class SchedulerTests
{
    /// <summary>Starts the scheduler from a thread that is not the pool's.</summary>
    internal static void Use(ActorSystem system) => system.Scheduler.Advanced.ScheduleOnce(TimeSpan.Zero, () => { });

    [Fact]
    public async Task Scheduling_on_a_started_scheduler_needs_no_pool_thread()
    {
        await using var system = PersistentSystem.InMemory();
        var release = new ManualResetEventSlim(); // not disposed: the released threads still use it
        try
        {
            // More than the pool adds while this runs.
            for (var i = 0; i < 200; i++) ThreadPool.QueueUserWorkItem(_ => release.Wait(Probe.Soon));
            var user = new Thread(() => Use(system.System)) { IsBackground = true };
            user.Start();
            Assert.True(user.Join(TimeSpan.FromSeconds(5)), "the scheduler waits for a thread of the pool");
        }
        finally
        {
            release.Set();
        }
    }

    [Fact]
    public async Task Fifty_actors_recover_at_once()
    {
        var probe = new Probe();
        await using var system = PersistentSystem.OnDisk();
        for (var i = 0; i < 50; i++) system.Start<Recorder>($"a{i}", probe);
        Assert.All(await probe.Next(50), seen => Assert.Equal("recovered 0", seen));
    }
}
