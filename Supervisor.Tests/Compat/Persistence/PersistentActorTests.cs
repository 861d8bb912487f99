using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace Supervisor.Tests.Compat.Persistence;

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

    private async Task<IActorRef> Recorder2(PersistentSystem system, params object[] seen)
    {
        var actor = system.Start<Recorder>("a", _probe);
        await _probe.Expect(seen);
        return actor;
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
            held.class = "Supervisor.Tests.Compat.Persistence.PersistentActorTests+HeldJournal, Supervisor.Tests"
            """);
        HeldJournal.Gate = new TaskCompletionSource();
        var actor = await Recorder(system);
        actor.Tell(Do(a =>
        {
            a.PersistAsync("e1", a.Note);
            a.DeferAsync("d", a.Note);
            a.PersistAllAsync(["e2", "e3"], a.Note);
        }));
        actor.Tell("through");
        await _probe.Expect("through");
        HeldJournal.Gate.SetResult();
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
            picky.class = "Supervisor.Tests.Compat.Persistence.PersistentActorTests+PickyJournal, Supervisor.Tests"
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
            picky.class = "Supervisor.Tests.Compat.Persistence.PersistentActorTests+PickyJournal, Supervisor.Tests"
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
              class = "Supervisor.Tests.Compat.Persistence.PersistentActorTests+PickyJournal, Supervisor.Tests"
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
              class = "Supervisor.Tests.Compat.Persistence.PersistentActorTests+SilentJournal, Supervisor.Tests"
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
              class = "Supervisor.Tests.Compat.Persistence.PersistentActorTests+SilentJournal, Supervisor.Tests"
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
            held.class = "Supervisor.Tests.Compat.Persistence.PersistentActorTests+HeldJournal, Supervisor.Tests"
            """);
        HeldJournal.Gate = new TaskCompletionSource();
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
        HeldJournal.Gate.SetResult();
        await _probe.Expect("e");
        Assert.Equal(watched, (await _probe.Next<Terminated>()).ActorRef);
    }

    [Fact]
    public async Task A_full_internal_stash_may_answer_for_the_actor()
    {
        await using var system = PersistentSystem.InMemory("""
            akka.actor.default-mailbox.stash-capacity = 1
            akka.persistence.journal.plugin = "held"
            held.class = "Supervisor.Tests.Compat.Persistence.PersistentActorTests+HeldJournal, Supervisor.Tests"
            """);
        HeldJournal.Gate = new TaskCompletionSource();
        var actor = system.Start<Overflowing>();
        Assert.Equal("handled first", await actor.Ask<string>("first", Probe.Soon));     // recovered, so the stash is empty
        actor.Tell("persist");
        var waits = actor.Ask<string>("waits", Probe.Soon);
        Assert.Equal("too much", await actor.Ask<string>("over", Probe.Soon));
        HeldJournal.Gate.SetResult();
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
    public async Task Event_adapters_change_events_on_both_ways()
    {
        await using var system = PersistentSystem.InMemory("""
            akka.persistence.journal.inmem {
              event-adapters.upper = "Supervisor.Tests.Compat.Persistence.PersistentActorTests+Twice, Supervisor.Tests"
              event-adapter-bindings { "System.String" = upper }
            }
            """);
        var actor = await Recorder(system);
        actor.Tell(Do(a => a.Persist("e", a.Note)));
        await _probe.Expect("e");
        await actor.GracefulStop(Probe.Soon);
        await _probe.Expect("stopped");
        await Recorder2(system, "replayed <e>", "replayed again", "recovered 1");
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

    public sealed class Twice : IEventAdapter
    {
        public string Manifest(object evt) => "";
        public object ToJournal(object evt) => $"<{evt}>";
        public IEventSequence FromJournal(object evt, string manifest) => EventSequence.Create(evt, "again");
    }

    public sealed class PickyJournal : MemoryJournal
    {
        protected override Task<IImmutableList<Exception?>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
        {
            var writes = messages.ToList();
            var payloads = writes.ConvertAll(w => ((IImmutableList<IPersistentRepresentation>)w.Payload)[0].Payload);
            if (payloads.Contains("worst")) throw new IOException("disk on fire");
            base.WriteMessagesAsync(writes.Where((_, i) => payloads[i] is not "bad"));
            return Task.FromResult<IImmutableList<Exception?>>([.. payloads.Select(p => p is "bad" ? new NotSupportedException("not this") : null)]);
        }
    }

    /// <summary>Writes when its gate opens. One test at a time: xunit runs those of a class one after the other.</summary>
    public sealed class HeldJournal : MemoryJournal
    {
        public static TaskCompletionSource Gate { get; set; } = new();

        protected override async Task<IImmutableList<Exception?>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages)
        {
            await Gate.Task;
            return await base.WriteMessagesAsync(messages);
        }
    }

    public sealed class SilentJournal : MemoryJournal
    {
        public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr) => new TaskCompletionSource<long>().Task;
    }
}

internal static class Watching
{
    /// <summary>Waits, with a deadline, for the actor's end.</summary>
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
