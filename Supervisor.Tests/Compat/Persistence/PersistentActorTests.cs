using Akka.Actor;

namespace Supervisor.Tests.Compat.Persistence;

/// <summary>In which order commands, events and deferred handlers come.</summary>
[Collection(TestJournals.Collection)]
public sealed class PersistentActorTests
{
    private readonly Probe _probe = new();

    private static Action<Recorder> Do(Action<Recorder> what) => what;

    private async Task<IActorRef> Recorder(PersistentSystem system, string id = "a", string recovered = "recovered 0")
    {
        var actor = system.Start<Recorder>(id, _probe);
        await _probe.Expect(recovered);
        return actor;
    }

    private async Task<IActorRef> Recorder2(PersistentSystem system, params object[] seen)
    {
        var actor = system.Start<Recorder>("a", _probe);
        await _probe.Expect(seen);
        return actor;
    }

    [Fact]
    public async Task A_persisted_event_is_handled_and_comes_back_after_a_restart()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        actor.Tell(Do(a => a.Persist("one", e => a.Note($"{e} {a.LastSequenceNr} {a.IsRecovering}"))));
        await _probe.Expect("one 1 False");
        await actor.GracefulStop(Probe.Soon);
        await _probe.Expect("stopped");
        await Recorder2(system, "replayed one", "recovered 1");
    }

    [Fact]
    public async Task Commands_wait_while_an_event_is_persisted_and_keep_their_order()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        actor.Tell(Do(a =>
        {
            a.Persist("e1", e => a.Note(e));
            a.Me.Tell("inner");
            a.Persist("e2", e => a.Note(e));
            a.Note("command done");
        }));
        for (var i = 0; i < 5; i++) actor.Tell(i);
        await _probe.Expect("command done", "e1", "e2");
        var rest = await _probe.Next(6);
        Assert.Equal([0, 1, 2, 3, 4], rest.OfType<int>());      // "inner" races with what was told from outside
    }

    [Fact]
    public async Task The_same_message_object_may_wait_twice()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        var same = new object();
        actor.Tell(Do(a => a.Persist("e", e => a.Note(e))));
        for (var i = 0; i < 3; i++) actor.Tell(same);
        await _probe.Expect("e", same, same, same);
    }

    [Fact]
    public async Task The_sender_in_a_handler_is_the_sender_of_the_command()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        var answer = await actor.Ask<string>(Do(a => a.Persist("e", _ => a.From.Tell("done"))), Probe.Soon);
        Assert.Equal("done", answer);
    }

    [Fact]
    public async Task PersistAll_handles_every_event_before_the_next_command()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        actor.Tell(Do(a => a.PersistAll(["x", "y", "z"], e => a.Note(e))));
        actor.Tell("next");
        await _probe.Expect("x", "y", "z", "next");
    }

    [Fact]
    public async Task PersistAll_of_nothing_and_then_DeferAsync_runs_at_once()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        actor.Tell(Do(a =>
        {
            a.PersistAll(Array.Empty<string>(), a.Note);
            a.DeferAsync("deferred", a.Note);
            a.Note("after");
        }));
        actor.Tell("next");
        await _probe.Expect("deferred", "after", "next");
    }

    [Fact]
    public async Task A_deferred_handler_runs_after_the_handlers_of_earlier_events_and_before_the_next_command()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        actor.Tell(Do(a =>
        {
            a.PersistAll(["e1", "e2"], a.Note);
            a.DeferAsync("deferred", d => a.Note($"{d} {a.LastSequenceNr}"));
            a.Note("after");
        }));
        actor.Tell("next");
        var seen = await _probe.Next(5);
        Assert.Equal(["after", "e1", "e2"], seen[..3]);
        // The next command only waits for events, so it may come before the deferred handler, as documented.
        Assert.Equal(["deferred 2", "next"], seen[3..].Order());
        await actor.GracefulStop(Probe.Soon);
        await _probe.Expect("stopped");
        await Recorder2(system, "replayed e1", "replayed e2", "recovered 2");
    }

    [Fact]
    public async Task PersistAsync_lets_commands_through_and_handles_events_in_order()
    {
        await using var system = PersistentSystem.InMemory("""
            akka.persistence.journal.plugin = "held"
            held.class = "Supervisor.Tests.Compat.Persistence.TestJournals+HeldJournal, Supervisor.Tests"
            """);
        TestJournals.HeldJournal.Gate = new TaskCompletionSource();
        var actor = await Recorder(system);
        actor.Tell(Do(a =>
        {
            a.PersistAsync("e1", a.Note);
            a.DeferAsync("d", a.Note);
            a.PersistAllAsync(["e2", "e3"], a.Note);
        }));
        actor.Tell("through");
        await _probe.Expect("through");
        TestJournals.HeldJournal.Gate.SetResult();
        await _probe.Expect("e1", "d", "e2", "e3");
    }

    [Fact]
    public async Task A_handler_may_persist_again_before_any_waiting_command()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        actor.Tell(Do(a => a.Persist("outer", outer =>
        {
            a.Note(outer);
            a.Persist("inner", inner =>
            {
                a.Note(inner);
                a.DeferAsync("deferred", a.Note);
            });
        })));
        actor.Tell("next");
        await _probe.Expect("outer", "inner");
        Assert.Equal(["deferred", "next"], (await _probe.Next(2)).Order());
    }
}
