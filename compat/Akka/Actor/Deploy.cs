using Akka.Routing;

namespace Akka.Actor;

/// <summary>On what an actor runs: dispatcher, mailbox and router.</summary>
public class Deploy : IEquatable<Deploy>
{
    public static readonly string NoDispatcherGiven = string.Empty;
    public static readonly string NoMailboxGiven = string.Empty;
    public static readonly Deploy Local = new(NoRouter.Instance, NoDispatcherGiven, NoMailboxGiven);

    private Deploy(RouterConfig routerConfig, string dispatcher, string mailbox)
    {
        RouterConfig = routerConfig;
        Dispatcher = dispatcher ?? NoDispatcherGiven;
        Mailbox = mailbox ?? NoMailboxGiven;
    }

    public RouterConfig RouterConfig { get; }
    public string Dispatcher { get; }
    public string Mailbox { get; }

    public virtual Deploy WithMailbox(string mailbox) => new(RouterConfig, Dispatcher, mailbox);
    public virtual Deploy WithDispatcher(string dispatcher) => new(RouterConfig, dispatcher, Mailbox);
    public virtual Deploy WithRouterConfig(RouterConfig routerConfig) => new(routerConfig, Dispatcher, Mailbox);

    public bool Equals(Deploy other) => other is not null
        && Dispatcher == other.Dispatcher && Mailbox == other.Mailbox && Equals(RouterConfig, other.RouterConfig);
    public override bool Equals(object obj) => Equals(obj as Deploy);
    public override int GetHashCode() => HashCode.Combine(Dispatcher, Mailbox);
}
