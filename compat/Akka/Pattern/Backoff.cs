using Akka.Actor;

namespace Akka.Pattern;

/// <summary>How often, how late and on what a <see cref="BackoffSupervisor"/> starts its child again.</summary>
public abstract class BackoffOptions
{
    public abstract BackoffOptions WithAutoReset(TimeSpan resetBackoff);
    public abstract BackoffOptions WithManualReset();
    public abstract BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy);
    public abstract BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries);
    public abstract BackoffOptions WithDefaultStoppingStrategy();
    public abstract BackoffOptions WithReplyWhileStopped(object replyWhileStopped);
    public abstract BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage);
    internal abstract Props Props { get; }
}

public static class Backoff
{
    /// <summary>Starts the child again when it failed: for actors that restart.</summary>
    public static BackoffOptions OnFailure(Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, int maxNrOfRetries) =>
        Options(childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries, onFailure: true);

    /// <summary>Starts the child again when it stopped: for actors that stop on failure, as persistent ones do.</summary>
    public static BackoffOptions OnStop(Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, int maxNrOfRetries) =>
        Options(childProps, childName, minBackoff, maxBackoff, randomFactor, maxNrOfRetries, onFailure: false);

    private static BackoffSettings Options(Props child, string name, TimeSpan min, TimeSpan max, double random, int retries, bool onFailure)
    {
        if (min <= TimeSpan.Zero) throw new ArgumentException("MinBackoff must be greater than 0", nameof(min));
        if (max < min) throw new ArgumentException("MaxBackoff must be greater than MinBackoff", nameof(max));
        if (random is < 0 or > 1) throw new ArgumentException("RandomFactor must be between 0.0 and 1.0", nameof(random));
        return new BackoffSettings(child, name, min, max, random, onFailure) { Strategy = new OneForOneStrategy(retries, -1, SupervisorStrategy.DefaultDecider), MaxRetries = retries };
    }
}

internal sealed class BackoffSettings(Props child, string name, TimeSpan min, TimeSpan max, double random, bool onFailure) : BackoffOptions
{
    public Props Child => child;
    public string Name => name;
    public TimeSpan Min => min;
    public TimeSpan Max => max;
    public bool OnFailure => onFailure;
    public SupervisorStrategy Strategy { get; init; }
    public int MaxRetries { get; init; } = -1;
    public TimeSpan? AutoReset { get; init; } = min;
    public object ReplyWhileStopped { get; init; }
    public Func<object, bool> FinalStop { get; init; }

    private BackoffSettings With(SupervisorStrategy strategy = null, int? retries = null, TimeSpan? reset = null, bool manual = false, object reply = null, Func<object, bool> stop = null) =>
        new(child, name, min, max, random, onFailure)
        {
            Strategy = strategy ?? Strategy,
            MaxRetries = retries ?? MaxRetries,
            AutoReset = manual ? null : reset ?? AutoReset,
            ReplyWhileStopped = reply ?? ReplyWhileStopped,
            FinalStop = stop ?? FinalStop,
        };

    public override BackoffOptions WithAutoReset(TimeSpan resetBackoff) => With(reset: resetBackoff);
    public override BackoffOptions WithManualReset() => With(manual: true);
    public override BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy) => With(supervisorStrategy, supervisorStrategy.MaxNumberOfRetries);
    public override BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries) => With(new OneForOneStrategy(maxNrOfRetries, -1, Strategy.Decider), maxNrOfRetries);
    public override BackoffOptions WithDefaultStoppingStrategy() => With(new OneForOneStrategy(MaxRetries, -1, SupervisorStrategy.StoppingStrategy.Decider));
    public override BackoffOptions WithReplyWhileStopped(object replyWhileStopped) => With(reply: replyWhileStopped);
    public override BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage) => With(stop: isFinalStopMessage);

    internal override Props Props => Props.CreateBy(new Producer(this));

    /// <summary>min · 2^restarts, at most max, plus up to the random part of itself.</summary>
    public TimeSpan Delay(int restarts)
    {
        var plain = Math.Min(max.TotalMilliseconds, min.TotalMilliseconds * Math.Pow(2, Math.Min(restarts, 30)));
        return TimeSpan.FromMilliseconds(plain * (1 + System.Random.Shared.NextDouble() * random));
    }

    private sealed class Producer(BackoffSettings settings) : IIndirectActorProducer
    {
        public Type ActorType => typeof(BackoffSupervisor);
        public ActorBase Produce() => new BackoffSupervisor(settings);
        public void Release(ActorBase actor) { }
    }
}
