using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Dispatch;

public interface IDispatcherPrerequisites
{
    EventStream EventStream { get; }
    IScheduler Scheduler { get; }
    Settings Settings { get; }
    Mailboxes Mailboxes { get; }
}

public sealed class DefaultDispatcherPrerequisites(EventStream eventStream, IScheduler scheduler, Settings settings, Mailboxes mailboxes) : IDispatcherPrerequisites
{
    public EventStream EventStream { get; } = eventStream;
    public IScheduler Scheduler { get; } = scheduler;
    public Settings Settings { get; } = settings;
    public Mailboxes Mailboxes { get; } = mailboxes;
}

public abstract class MessageDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites)
{
    public Config Config { get; } = config;
    public IDispatcherPrerequisites Prerequisites { get; } = prerequisites;
    public abstract MessageDispatcher Dispatcher();
}

/// <summary>Decides on which thread mailboxes run.</summary>
public abstract class MessageDispatcher
{
    public const int DefaultThroughput = 100;
    private long _inhabitants;

    protected MessageDispatcher(MessageDispatcherConfigurator configurator)
    {
        Configurator = configurator;
        Throughput = configurator.Config.GetInt("throughput", DefaultThroughput);
        var deadline = configurator.Config.GetTimeSpan("throughput-deadline-time", TimeSpan.Zero).Ticks;
        ThroughputDeadlineTime = deadline > 0 ? deadline : null;
        Id = configurator.Config.GetString("id");
    }

    public MessageDispatcherConfigurator Configurator { get; }
    public string Id { get; protected set; }
    /// <summary>User messages that an actor may handle before another gets the thread.</summary>
    public int Throughput { get; set; }
    /// <summary>Ticks.</summary>
    public long? ThroughputDeadlineTime { get; protected set; }
    protected abstract void ExecuteTask(IRunnable run);
    protected abstract void Shutdown();

    internal void Execute(IRunnable run) => ExecuteTask(run);
    internal void StopThreads() => Shutdown();
    private protected virtual void OnEmpty() { }

    public virtual void Dispatch(ActorCell cell, Envelope envelope) => cell.Mailbox.Post(envelope);
    public virtual void SystemDispatch(ActorCell cell, SysMsg.SystemMessage message) => cell.Mailbox.PostSystem(message);

    public virtual void Attach(ActorCell cell)
    {
        Interlocked.Increment(ref _inhabitants);
        cell.Mailbox.TrySchedule(forSystemMessage: true);
    }

    public virtual void Detach(ActorCell cell)
    {
        cell.Mailbox.BecomeClosed();
        if (Interlocked.Decrement(ref _inhabitants) == 0) OnEmpty();
    }
}
