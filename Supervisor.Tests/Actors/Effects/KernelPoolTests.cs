using System.Collections.Concurrent;
using Akka.Actor;
using Supervisor.Actors.Effects;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Tasks;
using Supervisor.Tests.Actors.Tasks;

namespace Supervisor.Tests.Actors.Effects;

/// <summary>The kernel pool over a scripted kernel: orders and hangs that a real one cannot be made to produce.</summary>
public sealed class KernelPoolTests : Akka.TestKit.Xunit2.TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly ScriptedKernel _kernel = new();

    [Fact]
    public void Every_piece_of_work_gets_exactly_one_outcome()
    {
        var pool = Pool(workers: 4, deadline: Patience);
        for (var i = 0; i < 100; i++) pool.Tell(Work($"c{i}"), TestActor);
        var outcomes = Enumerable.Range(0, 100).Select(_ => ExpectMsg<KernelOutcome>(Patience).Report.Id.Value).ToHashSet();
        Assert.Equal(100, outcomes.Count);
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void A_container_stuck_in_the_kernel_does_not_delay_others()
    {
        var pool = Pool(workers: 1, deadline: TimeSpan.FromMilliseconds(100));
        using var stuck = _kernel.Hang("stuck");
        pool.Tell(Work("stuck"), TestActor);
        Assert.True(_kernel.Entered.TryTake(out _, Patience));
        pool.Tell(Work("next"), TestActor); // waits for the only worker until it is given up
        var answers = new[] { ExpectMsg<KernelOutcome>(Patience), ExpectMsg<KernelOutcome>(Patience) };
        var failed = Assert.IsType<TaskCommand.EffectFailed>(answers.Single(a => a.Report.Id.Value == "stuck").Report);
        Assert.Equal(RefusalCode.DeadlineExceeded, failed.Reason.Code);
        Assert.Contains("stuck in the kernel", failed.Reason.Message, StringComparison.Ordinal);
        Assert.IsType<TaskCommand.Signalled>(answers.Single(a => a.Report.Id.Value == "next").Report);
    }

    [Fact]
    public void A_worker_that_returns_late_reports_nothing_more()
    {
        var pool = Pool(workers: 1, deadline: TimeSpan.FromMilliseconds(100));
        using (_kernel.Hang("late"))
        {
            pool.Tell(Work("late"), TestActor);
            Assert.IsType<TaskCommand.EffectFailed>(ExpectMsg<KernelOutcome>(Patience).Report);
        }
        pool.Tell(Work("after"), TestActor);
        Assert.Equal("after", ExpectMsg<KernelOutcome>(Patience).Report.Id.Value);
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void A_container_with_more_work_than_workers_does_not_delay_others()
    {
        var pool = Pool(workers: 4, deadline: Patience);
        using (_kernel.Hang("greedy"))
        {
            for (var i = 0; i < 20; i++) pool.Tell(Work("greedy"), TestActor);
            for (var i = 0; i < 5; i++) pool.Tell(Work($"other{i}"), TestActor);
            for (var i = 0; i < 5; i++)
                Assert.StartsWith("other", ExpectMsg<KernelOutcome>(Patience).Report.Id.Value, StringComparison.Ordinal);
        }
        for (var i = 0; i < 20; i++) Assert.Equal("greedy", ExpectMsg<KernelOutcome>(Patience).Report.Id.Value);
    }

    [Fact]
    public void Waiting_containers_take_turns()
    {
        var queue = new FairQueue<string, int>(share: 2);
        for (var i = 1; i <= 4; i++) queue.Enqueue("a", i);
        queue.Enqueue("b", 10);
        queue.Enqueue("b", 11);
        Assert.Equal([1, 10, 2, 11], [Next(), Next(), Next(), Next()]);
        Assert.False(queue.TryDequeue(out _)); // both are at their limit
        Assert.Equal(2, queue.Count);
        queue.Finish("a");
        Assert.Equal(3, Next());
        queue.Finish("b");
        Assert.False(queue.TryDequeue(out _));
        queue.Finish("a");
        Assert.Equal(4, Next());
        Assert.Equal(0, queue.Count);

        int Next() => queue.TryDequeue(out var item) ? item : throw new InvalidOperationException("nothing has a turn");
    }

    [Fact]
    public void Workers_have_their_own_threads()
    {
        var pool = Pool(workers: 3, deadline: Patience);
        using (_kernel.Hang("a"))
        using (_kernel.Hang("b"))
        {
            pool.Tell(Work("a"), TestActor);
            pool.Tell(Work("b"), TestActor);
            pool.Tell(Work("c"), TestActor);
            Assert.Equal("c", ExpectMsg<KernelOutcome>(Patience).Report.Id.Value);
        }
        Assert.Equal(3, _kernel.Threads.Distinct().Count());
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, _kernel.Threads);
    }

    private IActorRef Pool(int workers, TimeSpan deadline) =>
        Sys.ActorOf(KernelPoolActor.Props(
            _kernel, TimeProvider.System, workers, deadline, patience: TimeSpan.FromMilliseconds(100)));

    private static KernelWork Work(string id) =>
        new(ContainerId.Parse("t", id), new TaskEffect.Signal(TaskMachineTable.Init, 15, false, TaskMachineTable.Cgroup), null);

    /// <summary>Does nothing, at once or when released.</summary>
    private sealed class ScriptedKernel : ITaskEffects
    {
        private readonly ConcurrentDictionary<string, ManualResetEventSlim> _hangs = new();

        public BlockingCollection<string> Entered { get; } = [];

        public ConcurrentBag<int> Threads { get; } = [];

        public IDisposable Hang(string id)
        {
            var gate = _hangs[id] = new ManualResetEventSlim();
            return new Release(gate);
        }

        public TaskInquiryReply Answer(TaskInquiryWork work) => throw new NotSupportedException("no test asks");

        public KernelOutcome Run(KernelWork work, CancellationToken deadline)
        {
            Threads.Add(Environment.CurrentManagedThreadId);
            Entered.Add(work.Id.Value, CancellationToken.None);
            // ignores its deadline, like the kernel
            if (_hangs.TryGetValue(work.Id.Value, out var gate)) gate.Wait(Patience, CancellationToken.None);
            return new KernelOutcome(new TaskCommand.Signalled(work.Id, TaskMachineTable.T0), work.Effect, null);
        }

        private sealed class Release(ManualResetEventSlim gate) : IDisposable
        {
            public void Dispose() => gate.Set();
        }
    }
}
