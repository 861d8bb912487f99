using Supervisor.Actors.Tasks;

namespace Supervisor.Tests.Actors.Tasks;

/// <summary>
/// What holds for every history of commands, tried on many random ones. The seed is printed by the failing assertion.
/// </summary>
public class TaskMachineProperties
{
    private const int Histories = 5_000, Length = 40;

    [Fact]
    public void Replaying_the_journal_gives_the_live_state()
    {
        var reached = new HashSet<Type>();
        for (var seed = 0; seed < Histories; seed++)
        {
            var (live, journal) = Live(new Random(seed), reached);
            var replayed = journal.Aggregate((TaskState)new TaskState.Absent(), TaskMachine.Apply);
            Assert.True(live == replayed, $"seed {seed}: live {live}, replayed {replayed}");
        }
        // A generator that never gets there proves nothing.
        Assert.Superset(new HashSet<Type> { typeof(TaskState.Running), typeof(TaskState.Stopped), typeof(TaskState.Paused),
            typeof(TaskState.Deleting), typeof(TaskState.Restoring) }, reached);
    }

    [Fact]
    public void In_any_history_a_task_starts_at_most_once_and_exits_at_most_once_in_that_order()
    {
        for (var seed = 0; seed < Histories; seed++)
        {
            var (_, journal) = Live(new Random(seed), []);
            int started = 0, exited = 0;
            foreach (var e in journal)
            {
                if (e is TaskEvent.CreateRequested or TaskEvent.RestorePrepared) (started, exited) = (0, 0);
                if (e is TaskEvent.Started or TaskEvent.Restored)
                    Assert.True(++started == 1 && exited == 0, $"seed {seed}: started twice, or after its exit");
                if (e is TaskEvent.Exited or TaskEvent.StartFailed) Assert.True(++exited == 1, $"seed {seed}: exited twice");
            }
        }
    }

    [Fact]
    public void In_any_history_a_task_is_deleted_only_after_its_exit()
    {
        for (var seed = 0; seed < Histories; seed++)
        {
            var exited = false;
            foreach (var e in Live(new Random(seed), []).Journal)
            {
                if (e is TaskEvent.CreateRequested or TaskEvent.RestorePrepared) exited = false;
                if (e is TaskEvent.Exited or TaskEvent.StartFailed) exited = true;
                Assert.False(e is TaskEvent.Deleted && !exited, $"seed {seed}: deleted before its exit");
            }
        }
    }

    private static (TaskState State, List<TaskEvent> Journal) Live(Random random, HashSet<Type> reached)
    {
        TaskState state = new TaskState.Absent();
        var journal = new List<TaskEvent>();
        for (var i = 0; i < Length; i++)
        {
            var (_, command) = TaskMachineTable.Commands[random.Next(TaskMachineTable.Commands.Length)];
            foreach (var e in TaskMachine.Decide(state, command).Events)
            {
                journal.Add(e);
                state = TaskMachine.Apply(state, e);
                reached.Add(state.GetType());
            }
        }
        return (state, journal);
    }
}
