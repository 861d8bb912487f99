using Akka.Actor;
using Akka.Persistence;

namespace Supervisor.Tests.Compat.Persistence;

/// <summary>What becomes of a persistent actor whose handler, journal, recovery or configuration fails.</summary>
[Collection(TestJournals.Collection)]
public sealed class PersistentActorFailureTests
{
    private readonly Probe _probe = new();

    private static Action<Recorder> Do(Action<Recorder> what) => what;

    private async Task<IActorRef> Recorder(PersistentSystem system, string id = "a", string recovered = "recovered 0")
    {
        var actor = system.Start<Recorder>(id, _probe);
        await _probe.Expect(recovered);
        return actor;
    }

    [Fact]
    public async Task Persisting_while_recovering_is_an_error()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        actor.Tell(Do(a => a.Persist("e", a.Note)));
        await _probe.Expect("e");
        await actor.GracefulStop(Probe.Soon);
        await _probe.Expect("stopped");
        system.Start<PersistsWhileRecovering>(_probe);
        Assert.Contains("during replay", (string)await _probe.Next(), StringComparison.Ordinal);
    }

    private sealed class PersistsWhileRecovering(Probe probe) : UntypedPersistentActor
    {
        public override string PersistenceId => "a";
        protected override void OnCommand(object message) { }
        protected override void OnRecover(object message) => Persist("x", _ => { });
        protected override void OnRecoveryFailure(Exception reason, object? message = null) => probe.Add(reason.Message);
    }

    [Fact]
    public async Task An_event_may_be_persisted_when_the_recovery_has_completed()
    {
        await using var system = PersistentSystem.InMemory();
        system.Start<PersistsAfterRecovery>(_probe).Tell("command");
        await _probe.Expect("first", "command");
    }

    private sealed class PersistsAfterRecovery : ReceivePersistentActor
    {
        public PersistsAfterRecovery(Probe probe)
        {
            Recover<RecoveryCompleted>(_ => Persist("first", probe.Add));
            Command<string>(probe.Add);
        }

        public override string PersistenceId => "b";
    }

    [Fact]
    public async Task A_handler_that_throws_restarts_the_actor_which_recovers_the_event()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        actor.Tell(Do(a => a.Persist("e", _ => a.Fail("broken"))));
        actor.Tell("after");
        await _probe.Expect("stopped", "replayed e", "recovered 1", "after");   // PreRestart calls PostStop
    }

    [Fact]
    public async Task What_a_command_persisted_before_it_threw_is_written()
    {
        await using var system = PersistentSystem.InMemory();
        var actor = await Recorder(system);
        actor.Tell(Do(a =>
        {
            a.Persist("kept", a.Note);
            a.Fail("broken");
        }));
        await _probe.Expect("stopped", "replayed kept", "recovered 1");
    }

    [Fact]
    public async Task A_rejected_event_is_told_and_the_actor_goes_on()
    {
        await using var system = PersistentSystem.InMemory("""
            akka.persistence.journal.plugin = "picky"
            picky.class = "Supervisor.Tests.Compat.Persistence.TestJournals+PickyJournal, Supervisor.Tests"
            """);
        var actor = await Recorder(system);
        actor.Tell(Do(a =>
        {
            a.Persist("good", a.Note);
            a.Persist("bad", a.Note);
            a.Persist("better", a.Note);
        }));
        actor.Tell("next");
        await _probe.Expect("good", "rejected bad 2: not this", "better", "next");
    }

    [Fact]
    public async Task A_failed_write_is_told_and_the_actor_stops()
    {
        await using var system = PersistentSystem.InMemory("""
            akka.persistence.journal.plugin = "picky"
            picky.class = "Supervisor.Tests.Compat.Persistence.TestJournals+PickyJournal, Supervisor.Tests"
            """);
        var actor = await Recorder(system);
        actor.Tell(Do(a => a.Persist("worst", a.Note)));
        actor.Tell("never handled");
        await _probe.Expect("failed worst 1: disk on fire", "stopped");
        _probe.ExpectNothingMore();
    }

    [Fact]
    public async Task A_journal_that_keeps_failing_is_left_alone_for_a_while()
    {
        await using var system = PersistentSystem.InMemory("""
            akka.persistence.journal.plugin = "picky"
            picky {
              class = "Supervisor.Tests.Compat.Persistence.TestJournals+PickyJournal, Supervisor.Tests"
              circuit-breaker { max-failures = 1, reset-timeout = 1h }
            }
            """);
        var (first, second) = (await Recorder(system, "first"), await Recorder(system, "second"));
        first.Tell(Do(a => a.Persist("worst", a.Note)));
        await _probe.Expect("failed worst 1: disk on fire", "stopped");
        second.Tell(Do(a => a.Persist("good", a.Note)));
        Assert.Contains("disk on fire", (string)await _probe.Next(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_journal_ends_the_recovery()
    {
        await using var system = PersistentSystem.InMemory("""
            akka.persistence.journal.plugin = "silent"
            silent {
              class = "Supervisor.Tests.Compat.Persistence.TestJournals+SilentJournal, Supervisor.Tests"
              recovery-event-timeout = 200ms
            }
            """);
        system.Start<Recorder>("a", _probe);
        Assert.Contains("timed out", (string)await _probe.Next(), StringComparison.Ordinal);
        await _probe.Expect("stopped");
    }

    [Fact]
    public async Task No_more_actors_recover_at_a_time_than_allowed_and_a_dead_one_gives_its_place_back()
    {
        await using var system = PersistentSystem.InMemory("""
            akka.persistence.max-concurrent-recoveries = 1
            silent {
              class = "Supervisor.Tests.Compat.Persistence.TestJournals+SilentJournal, Supervisor.Tests"
              recovery-event-timeout = 1h
            }
            """);
        var stuck = system.Start<StuckInRecovery>(_probe);
        await _probe.Expect("snapshot asked");
        var waiting = system.Start<Recorder>("a", _probe);
        waiting.Tell("first command");
        system.System.Stop(stuck);
        await _probe.Expect("recovered 0", "first command");
    }

    private sealed class StuckInRecovery : UntypedPersistentActor
    {
        private readonly Probe _probe;

        public StuckInRecovery(Probe probe)
        {
            _probe = probe;
            JournalPluginId = "silent";
        }

        public override string PersistenceId => "stuck";

        // Read when the permit has been granted.
        public override Recovery Recovery
        {
            get
            {
                _probe.Add("snapshot asked");
                return base.Recovery;
            }
        }

        protected override void OnCommand(object message) { }
        protected override void OnRecover(object message) { }
    }

    [Fact]
    public async Task A_command_that_awaits_may_persist_and_holds_other_commands_back()
    {
        await using var system = PersistentSystem.InMemory();
        var go = new TaskCompletionSource();
        var actor = system.Start<Awaiting>(_probe, go.Task);
        actor.Tell("a");
        actor.Tell("b");
        await _probe.Expect("begin a");
        go.SetResult();
        await _probe.Expect("end a", "persisted a", "begin b", "end b", "persisted b");
    }

    private sealed class Awaiting : ReceivePersistentActor
    {
        public Awaiting(Probe probe, Task go) => CommandAsync<string>(async text =>
        {
            probe.Add($"begin {text}");
            await go;
            Persist(text, e => probe.Add($"persisted {e}"));
            probe.Add($"end {text}");
        });

        public override string PersistenceId => "awaiting";
    }

    [Fact]
    public async Task The_end_of_a_watched_actor_is_told_even_if_it_comes_while_an_event_is_persisted()
    {
        await using var system = PersistentSystem.InMemory("""
            akka.persistence.journal.plugin = "held"
            held.class = "Supervisor.Tests.Compat.Persistence.TestJournals+HeldJournal, Supervisor.Tests"
            """);
        TestJournals.HeldJournal.Gate = new TaskCompletionSource();
        var (actor, watched) = (await Recorder(system), await Recorder(system, "b"));
        actor.Tell(Do(a =>
        {
            a.Watch(watched);
            a.Persist("e", a.Note);
            a.Note("persisting");
        }));
        await _probe.Expect("persisting");
        var gone = watched.WatchAsync(system.System);
        system.System.Stop(watched);
        await _probe.Expect("stopped");
        Assert.True(await gone);
        TestJournals.HeldJournal.Gate.SetResult();
        await _probe.Expect("e");
        Assert.Equal(watched, (await _probe.Next<Terminated>()).ActorRef);
    }

    [Fact]
    public async Task A_full_internal_stash_may_answer_for_the_actor()
    {
        await using var system = PersistentSystem.InMemory("""
            akka.actor.default-mailbox.stash-capacity = 1
            akka.persistence.journal.plugin = "held"
            held.class = "Supervisor.Tests.Compat.Persistence.TestJournals+HeldJournal, Supervisor.Tests"
            """);
        TestJournals.HeldJournal.Gate = new TaskCompletionSource();
        var actor = system.Start<Overflowing>();
        Assert.Equal("handled first", await actor.Ask<string>("first", Probe.Soon));     // recovered, so the stash is empty
        actor.Tell("persist");
        var waits = actor.Ask<string>("waits", Probe.Soon);
        Assert.Equal("too much", await actor.Ask<string>("over", Probe.Soon));
        TestJournals.HeldJournal.Gate.SetResult();
        Assert.Equal("handled waits", await waits);
    }

    private sealed class Overflowing : UntypedPersistentActor
    {
        public override string PersistenceId => "overflowing";
        public override IStashOverflowStrategy InternalStashOverflowStrategy => new ReplyToStrategy("too much");
        protected override void OnRecover(object message) { }
        protected override void OnCommand(object message)
        {
            if (message is "persist") Persist("e", _ => { });
            else Sender.Tell($"handled {message}");
        }
    }

    [Fact]
    public async Task An_empty_persistence_id_and_a_missing_plugin_fail_the_start()
    {
        await using var system = PersistentSystem.InMemory();
        var nameless = system.Start<Recorder>("", _probe);
        Assert.True(await nameless.WatchAsync(system.System));
        var lost = system.System.ActorOf(Props.Create(() => new LostPlugin()));
        Assert.True(await lost.WatchAsync(system.System));
    }

    private sealed class LostPlugin : UntypedPersistentActor
    {
        public LostPlugin() => JournalPluginId = "no.such.section";
        public override string PersistenceId => "lost";
        protected override void OnCommand(object message) { }
        protected override void OnRecover(object message) { }
    }
}
