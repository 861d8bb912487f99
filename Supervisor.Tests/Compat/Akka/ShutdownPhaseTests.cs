using Akka;
using Akka.Actor;
using Akka.Configuration;

namespace Supervisor.Tests.Compat.AkkaSubset;

public sealed class ShutdownPhaseTests
{
    private readonly List<string> _order = [];

    private static CoordinatedShutdown Of(string name, string more = "") => CoordinatedShutdown.Get(ActorSystem.Create(name,
        ConfigurationFactory.ParseString("akka.loglevel = OFF, akka.stdout-loglevel = OFF\n" + more)));

    private Func<Task<Done>> Note(string text) => () =>
    {
        lock (_order) _order.Add(text);
        return Task.FromResult(Done.Instance);
    };

    private static Task<Done> Run(CoordinatedShutdown shutdown, string? fromPhase = null) =>
        shutdown.Run(CoordinatedShutdown.UnknownReason.Instance, fromPhase).WaitAsync(TimeSpan.FromSeconds(20));

    [Fact]
    public async Task Own_phases_come_after_those_they_depend_on()
    {
        var shutdown = Of("own", """
            akka.coordinated-shutdown.phases {
              a-last { depends-on = [m-middle], timeout = 15s }
              m-middle { depends-on = [z-first] }
              z-first { }
            }
            """);
        foreach (var phase in new[] { "a-last", "m-middle", "z-first" }) shutdown.AddTask(phase, "note", Note(phase));
        Assert.Equal(TimeSpan.FromSeconds(15), shutdown.Timeout("a-last"));
        await Run(shutdown);
        Assert.Equal(["z-first", "m-middle", "a-last"], _order);
    }

    [Fact]
    public void Phases_in_a_circle_are_refused() => Assert.ThrowsAny<Exception>(() => Of("circle", """
        akka.coordinated-shutdown.phases { a { depends-on = [b] }, b { depends-on = [a] } }
        """));

    [Fact]
    public async Task It_may_begin_with_a_later_phase()
    {
        var shutdown = Of("later");
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "skipped", Note("skipped"));
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "run", Note("run"));
        await Run(shutdown, CoordinatedShutdown.PhaseServiceStop);
        Assert.Equal(["run"], _order);
    }

    [Fact]
    public async Task A_task_may_add_one_to_a_later_phase()
    {
        var shutdown = Of("adding");
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "first", () =>
        {
            shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "second", Note("second"));
            return Note("first")();
        });
        await Run(shutdown);
        Assert.Equal(["first", "second"], _order);
    }

    [Fact]
    public async Task A_failed_task_neither_stops_its_neighbours_nor_later_phases()
    {
        var shutdown = Of("failing");
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "fails", () => Task.FromException<Done>(new InvalidOperationException("boom")));
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "beside", Note("beside"));
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "after", Note("after"));
        await Run(shutdown);
        Assert.Equal(["beside", "after"], _order);
    }

    [Fact]
    public async Task A_phase_that_must_not_fail_ends_the_shutdown()
    {
        var shutdown = Of("strict", "akka.coordinated-shutdown.phases.service-unbind { recover = off, timeout = 50ms }");
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "hangs", () => new TaskCompletionSource<Done>().Task);
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "never", Note("never"));
        await Assert.ThrowsAsync<TimeoutException>(() => Run(shutdown));
        Assert.Empty(_order);
    }
}
