using System.Reflection;
using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;
using Supervisor.Actors;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Persistence;
using Supervisor.Actors.Tasks;
using Supervisor.Runtime.Lifecycle;
using static Supervisor.Tests.Actors.Tasks.TaskMachineTable;

namespace Supervisor.Tests.Actors.Tasks;

/// <summary>
/// A task after its daemon's restart, before its init is adopted: an order of events that a real kernel cannot be made to
/// produce.
/// </summary>
public sealed class AdoptionTests : Akka.TestKit.Xunit2.TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly TestProbe _pool, _reaper;
    private readonly NodeServices _node;

    public AdoptionTests() : base(ConfigurationFactory.ParseString("""
        akka.persistence { journal.plugin = "akka.persistence.journal.inmem", snapshot-store.plugin = "akka.persistence.snapshot-store.inmem" }
        """))
    {
        (_pool, _reaper) = (CreateTestProbe(), CreateTestProbe());
        _node = new NodeServices(
            _pool.Ref, _reaper.Ref, CreateTestProbe().Ref, new ContainerDirectory(), new Readiness(), TimeProvider.System,
            "/state");
    }

    [Fact]
    public void Commands_wait_until_the_init_is_adopted()
    {
        var (task, adopt) = Restarted();
        task.Tell(new TaskCommand.Kill(Id, T0, 15, false), TestActor);
        var asker = _pool.Sender;
        _pool.ExpectNoMsg(TimeSpan.FromMilliseconds(200)); // after that a probe has no sender to reply to
        var container = DispatchProxy.Create<IContainer, Nothing>();
        asker.Tell(new KernelOutcome(new TaskCommand.InitAdopted(Id, T0, false), adopt.Effect, container));
        var kill = _pool.ExpectMsg<KernelWork>(Patience);
        Assert.Equal(15, Assert.IsType<TaskEffect.Signal>(kill.Effect).Number);
        Assert.Same(container, kill.Container);
        _pool.Reply(new KernelOutcome(new TaskCommand.Signalled(Id, T0), kill.Effect, null));
        Assert.Null(ExpectMsg<TaskReply>(Patience).Refusal);
    }

    [Fact]
    public void A_failed_adoption_is_retried_and_waiting_commands_get_the_error()
    {
        var (task, adopt) = Restarted();
        var busy = new Refusal(RefusalCode.Unknown, "the shim exited");
        _pool.Reply(new KernelOutcome(new TaskCommand.EffectFailed(Id, T0, adopt.Effect, busy), adopt.Effect, null));
        task.Tell(new TaskCommand.Kill(Id, T0, 15, false), TestActor);
        var kill = _pool.ExpectMsg<KernelWork>(w => w.Effect is TaskEffect.Signal, Patience);
        Assert.Null(kill.Container);
        _pool.Reply(new KernelOutcome(new TaskCommand.EffectFailed(Id, T0, kill.Effect, busy), kill.Effect, null));
        Assert.Equal(busy, ExpectMsg<TaskReply>(Patience).Refusal);
        Assert.IsType<TaskEffect.AdoptInit>(_pool.ExpectMsg<KernelWork>(Patience).Effect);
    }

    [Fact]
    public void A_task_whose_init_exited_during_its_start_without_a_daemon_is_stopped()
    {
        var (task, adopt) = Restarted(wasStarted: false);
        Assert.True(Assert.IsType<TaskEffect.AdoptInit>(adopt.Effect).Release);
        _pool.Reply(new KernelOutcome(new TaskCommand.InitGone(Id, T0, Exit), adopt.Effect, null));
        task.Tell(new TaskCommand.Delete(Id, T0), TestActor);
        Answer(new TaskCommand.TornDown(Id, T0));
        Assert.Null(ExpectMsg<TaskReply>(Patience).Refusal);
    }

    /// <summary>A task that was created and started by an earlier incarnation of the actor.</summary>
    /// <param name="wasStarted">Its start had been answered.</param>
    private (IActorRef Task, KernelWork Adopt) Restarted(bool wasStarted = true)
    {
        var former = Make();
        former.Tell(new TaskCommand.Create(Id, T0, Setup, default), TestActor);
        Answer(new TaskCommand.InitSpawned(Id, T0, Init, Cgroup));
        ExpectMsg<TaskReply>(Patience);
        former.Tell(new TaskCommand.Start(Id, T0), TestActor);
        if (wasStarted)
        {
            Answer(new TaskCommand.InitStarted(Id, T0));
            ExpectMsg<TaskReply>(Patience);
        }
        else Assert.IsType<TaskEffect.ReleaseInit>(_pool.ExpectMsg<KernelWork>(Patience).Effect);
        Watch(former);
        Sys.Stop(former);
        ExpectTerminated(former, Patience);
        var task = Make();
        var adopt = _pool.ExpectMsg<KernelWork>(Patience);
        Assert.IsType<TaskEffect.AdoptInit>(adopt.Effect);
        return (task, adopt);
    }

    private void Answer(TaskCommand.Report report)
    {
        var work = _pool.ExpectMsg<KernelWork>(Patience);
        _pool.Reply(new KernelOutcome(report, work.Effect, null));
    }

    private IActorRef Make() => Sys.ActorOf(Props.Create(() => new TaskActor(Id, _node)));

    /// <summary>A container whose members do nothing.</summary>
    public class Nothing : DispatchProxy
    {
        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod!.ReturnType is { IsValueType: true } type && type != typeof(void)
                ? Activator.CreateInstance(type) : null;
    }
}
