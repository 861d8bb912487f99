using System.Collections.Immutable;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using static Supervisor.Actors.Tasks.TaskCommand;

namespace Supervisor.Tests.Actors.Tasks;

/// <summary>The whole table of the task machine: every state, found by reflection, against every command.</summary>
public class TaskMachineTable
{
    internal static readonly ContainerId Id = ContainerId.Parse("default", "c1");
    internal static readonly DateTimeOffset T0 = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    internal static readonly TaskSetup Setup = new("/b", new StdioPaths("", "", "", false), []);
    internal static readonly InitProcess Init = new(7, 70, "boot");
    internal static readonly ImmutableSortedDictionary<string, string> Cgroup =
        ImmutableSortedDictionary<string, string>.Empty.Add("pids", "/c");
    internal static readonly TaskRestore Restore = new(new RestoreSource("/i", "", "/o"), Google.Protobuf.ByteString.Empty);
    internal static readonly CheckpointRequest Dump = new("/i");
    internal static readonly TaskExit Exit = new(3, T0);

    internal static readonly (string Name, TaskState State)[] States =
    [
        ("Absent", new TaskState.Absent()),
        ("Creating", new TaskState.Creating(Setup)),
        ("Prepared", new TaskState.Prepared(Setup, Restore)),
        ("Restoring", new TaskState.Restoring(Setup, Restore)),
        ("Created", new TaskState.Created(Setup, Init, Cgroup)),
        ("Starting", new TaskState.Starting(Setup, Init, Cgroup)),
        ("Starting, died", new TaskState.Starting(Setup, Init, Cgroup, Exit)),
        ("Running", new TaskState.Running(Setup, Init, Cgroup)),
        ("Running, OOM", new TaskState.Running(Setup, Init, Cgroup, OomKilled: true)),
        ("Paused", new TaskState.Paused(Setup, Init, Cgroup)),
        ("Stopped", new TaskState.Stopped(Setup, Init, Cgroup, Exit)),
        ("Deleting, alive", new TaskState.Deleting(Setup, Init, Cgroup, null)),
        ("Deleting", new TaskState.Deleting(Setup, Init, Cgroup, Exit)),
        ("Deleting, failed", new TaskState.Deleting(Setup, Init, Cgroup, Exit, Failure: "no such file")),
    ];

    internal static readonly (string Name, TaskCommand Command)[] Commands =
    [
        ("Create", new Create(Id, T0, Setup, default)),
        ("Create from a checkpoint", new Create(Id, T0, Setup, default, Restore.Source)),
        ("Adopt", new Adopt(Id, T0, Setup, Init, Cgroup, IsStarted: true)),
        ("Adopt, not started", new Adopt(Id, T0, Setup, Init, Cgroup, IsStarted: false)),
        ("Start", new Start(Id, T0)),
        ("Kill", new Kill(Id, T0, 15, false)),
        ("Kill all", new Kill(Id, T0, 9, true)),
        ("Pause", new Pause(Id, T0)),
        ("Resume", new Resume(Id, T0)),
        ("Checkpoint", new Checkpoint(Id, T0, Dump)),
        ("Delete", new Delete(Id, T0)),
        ("InitSpawned", new InitSpawned(Id, T0, Init, Cgroup)),
        ("InitStarted", new InitStarted(Id, T0)),
        ("StartFailed", new StartFailed(Id, T0, "no such file", 127)),
        ("InitExited", new InitExited(Id, T0, Exit)),
        ("InitGone", new InitGone(Id, T0, Exit)),
        ("OutOfMemory", new OutOfMemory(Id, T0)),
        ("Signalled", new Signalled(Id, T0)),
        ("Frozen", new Frozen(Id, T0)),
        ("Thawed", new Thawed(Id, T0)),
        ("Checkpointed", new Checkpointed(Id, T0, Dump)),
        ("InitRestored", new InitRestored(Id, T0, Init, Cgroup)),
        ("InitAdopted", new InitAdopted(Id, T0, false)),
        ("InitAdopted, held", new InitAdopted(Id, T0, false, IsHeld: true)),
        ("InitAdopted, frozen", new InitAdopted(Id, T0, true)),
        ("InitAdopted, started", new InitAdopted(Id, T0, false, IsStarted: true)),
        ("TornDown", new TornDown(Id, T0)),
        ("EffectFailed: SpawnInit",
            new EffectFailed(Id, T0, new TaskEffect.SpawnInit(Setup, default), new Refusal(RefusalCode.Unknown, "why"))),
        ("EffectFailed: ReleaseInit",
            new EffectFailed(Id, T0, new TaskEffect.ReleaseInit(Init), new Refusal(RefusalCode.Unknown, "why"))),
        ("EffectFailed: RestoreInit",
            new EffectFailed(Id, T0, new TaskEffect.RestoreInit(Setup, Restore), new Refusal(RefusalCode.Unknown, "why"))),
        ("EffectFailed: CheckpointInit",
            new EffectFailed(Id, T0, new TaskEffect.CheckpointInit(Init, Dump), new Refusal(RefusalCode.Unknown, "why"))),
        ("EffectFailed: TearDown",
            new EffectFailed(Id, T0, new TaskEffect.TearDown(Setup, Init, Cgroup), new Refusal(RefusalCode.Unknown, "why"))),
        ("EffectFailed: Signal",
            new EffectFailed(Id, T0, new TaskEffect.Signal(Init, 15, All: false, Cgroup),
            new Refusal(RefusalCode.Unknown, "why"))),
        ("EffectFailed: Freeze",
            new EffectFailed(Id, T0, new TaskEffect.Freeze(Cgroup), new Refusal(RefusalCode.Unknown, "why"))),
        ("EffectFailed: Thaw", new EffectFailed(Id, T0, new TaskEffect.Thaw(Cgroup), new Refusal(RefusalCode.Unknown, "why"))),
        ("EffectFailed: AdoptInit",
            new EffectFailed(Id, T0, new TaskEffect.AdoptInit(Setup, Init, Cgroup), new Refusal(RefusalCode.Unknown, "why"))),
    ];

    [Fact]
    public void Every_state_and_every_command_is_in_the_table()
    {
        Assert.Equal(Concrete(typeof(TaskState)), States.Select(s => s.State.GetType()).ToHashSet());
        Assert.Equal(Concrete(typeof(TaskCommand)), Commands.Select(c => c.Command.GetType()).ToHashSet());
        Assert.Equal(Concrete(typeof(TaskEffect)), Commands.Select(c => c.Command).OfType<EffectFailed>()
            .Select(f => f.Effect.GetType()).ToHashSet());
    }

    [Fact]
    public void The_table_is_total_and_is_docs_machines_task_md() => Golden.Verify(
        "docs/machines/task.md",
        new MachineDocument<TaskState, TaskCommand, TaskEvent, TaskEffect>(
            """
            # The task machine
            Generated by the tests (`./test --accept`) from `TaskMachine.Decide`, `Apply` and `Recover`; reviewed as a diff.
            A cell says: the events that are journalled → the state after them; *the effects that follow*; the refusal.
            "–" is nothing at all.


            """, States, Commands, TaskMachine.Decide, TaskMachine.Apply, TaskMachine.Recover).Render());

    [Fact]
    public void Every_event_that_a_decision_records_can_be_applied()
    {
        foreach (var (_, state) in States)
            foreach (var (_, command) in Commands)
                _ = TaskMachine.Decide(state, command).Events.Aggregate(state, TaskMachine.Apply);
    }

    [Fact]
    public void Every_pending_state_has_something_to_do_after_replay()
    {
        foreach (var (name, state) in States.Where(s => s.State is IPending))
            Assert.True(TaskMachine.Recover(state).Length > 0, $"{name} would hang forever after a restart");
    }

    private static HashSet<Type> Concrete(Type family) =>
        family.Assembly.GetTypes().Where(t => t.IsSubclassOf(family) && !t.IsAbstract).ToHashSet();
}
