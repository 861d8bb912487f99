using Akka.Actor;

namespace Akka.TestKit;

/// <summary>Acts on every message that a probe gets; what Run returns is the pilot for the next.</summary>
public abstract class AutoPilot
{
    public static NoAutoPilot NoAutoPilot => NoAutoPilot.Instance;
    public static KeepRunning KeepRunning => KeepRunning.Instance;
    public abstract AutoPilot Run(IActorRef sender, object message);
}

public sealed class NoAutoPilot : AutoPilot
{
    public static NoAutoPilot Instance = new();
    private NoAutoPilot() { }
    public override AutoPilot Run(IActorRef sender, object message) => this;
}

public sealed class KeepRunning : AutoPilot
{
    public static KeepRunning Instance = new();
    private KeepRunning() { }
    public override AutoPilot Run(IActorRef sender, object message) => throw new InvalidOperationException("Must not call");
}

public delegate AutoPilot AutoPilotDelegate(IActorRef sender, object message);

public sealed class DelegateAutoPilot(AutoPilotDelegate autoPilotDelegate) : AutoPilot
{
    public override AutoPilot Run(IActorRef sender, object message) => autoPilotDelegate(sender, message);
}
