using Akka.Actor;

namespace Akka.Pattern;

/// <summary>How often, how late and on what a <see cref="BackoffSupervisor"/> starts its child again.</summary>
public abstract class BackoffOptions
{
    public abstract BackoffOptions WithAutoReset(TimeSpan resetBackoff);
    public abstract BackoffOptions WithManualReset();
    /// <summary>Decides about the child's failures; what is to be restarted is stopped instead, when failures are backed off from.</summary>
    public abstract BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy);
    public abstract BackoffOptions WithDefaultStoppingStrategy();
    public abstract BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries);
    public abstract BackoffOptions WithReplyWhileStopped(object replyWhileStopped);
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
        return new BackoffSettings(child, name, min, max, random, onFailure) { MaxRetries = retries };
    }
}

internal sealed class BackoffSettings(Props child, string name, TimeSpan min, TimeSpan max, double random, bool onFailure) : BackoffOptions
{
    public Props Child => child;
    public string Name => name;
    public bool OnFailure => onFailure;
    public int MaxRetries { get; init; } = -1;
    public TimeSpan? AutoReset { get; init; } = min;
    public object ReplyWhileStopped { get; init; }

    public OneForOneStrategy Strategy { get; init; } = new(SupervisorStrategy.DefaultDecider);

    private BackoffSettings With(TimeSpan? reset, object reply, OneForOneStrategy strategy, int retries) => new(child, name, min, max, random, onFailure)
    {
        MaxRetries = retries,
        AutoReset = reset,
        ReplyWhileStopped = reply,
        Strategy = strategy,
    };

    public override BackoffOptions WithAutoReset(TimeSpan resetBackoff) => With(resetBackoff, ReplyWhileStopped, Strategy, MaxRetries);
    public override BackoffOptions WithManualReset() => With(null, ReplyWhileStopped, Strategy, MaxRetries);
    public override BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy) =>
        With(AutoReset, ReplyWhileStopped, supervisorStrategy, MaxRetries);
    public override BackoffOptions WithDefaultStoppingStrategy() =>
        WithSupervisorStrategy(new OneForOneStrategy(_ => Directive.Stop));
    public override BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries) => With(AutoReset, ReplyWhileStopped, Strategy, maxNrOfRetries);
    public override BackoffOptions WithReplyWhileStopped(object replyWhileStopped) => With(AutoReset, replyWhileStopped, Strategy, MaxRetries);
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
