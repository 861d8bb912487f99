using Akka.Configuration;
using Akka.Routing;

namespace Akka.Actor;

public abstract class Scope : IEquatable<Scope>
{
    public static readonly LocalScope Local = LocalScope.Instance;
    public abstract Scope WithFallback(Scope other);
    public abstract Scope Copy();
    public virtual bool Equals(Scope other) => other is not null && other.GetType() == GetType();
    public override bool Equals(object obj) => Equals(obj as Scope);
    public override int GetHashCode() => GetType().GetHashCode();
}

public class LocalScope : Scope
{
    private LocalScope() { }
    public static LocalScope Instance { get; } = new();
    public override Scope WithFallback(Scope other) => this;
    public override Scope Copy() => this;
}

internal sealed class NoScope : Scope
{
    public override Scope WithFallback(Scope other) => other;
    public override Scope Copy() => this;
}

/// <summary>Where and on what an actor runs: dispatcher, mailbox and router, from code or from akka.actor.deployment.</summary>
public class Deploy : IEquatable<Deploy>
{
    public const int NoStashSize = -1;
    public static readonly string NoDispatcherGiven = string.Empty;
    public static readonly string NoMailboxGiven = string.Empty;
    public static readonly Scope NoScopeGiven = new NoScope();
    public static readonly Deploy Local = new(Scope.Local);
    public static readonly Deploy None;

    public Deploy() : this("", Config.Empty, NoRouter.Instance, NoScopeGiven, NoDispatcherGiven) { }
    public Deploy(string path, Scope scope) : this(path, Config.Empty, NoRouter.Instance, scope, NoDispatcherGiven) { }
    public Deploy(Scope scope) : this("", scope) { }
    public Deploy(RouterConfig routerConfig, Scope scope) : this("", Config.Empty, routerConfig, scope, NoDispatcherGiven) { }
    public Deploy(RouterConfig routerConfig) : this(routerConfig, NoScopeGiven) { }
    public Deploy(string path, Config config, RouterConfig routerConfig, Scope scope, string dispatcher)
        : this(path, config, routerConfig, scope, dispatcher, NoMailboxGiven) { }
    public Deploy(string path, Config config, RouterConfig routerConfig, Scope scope, string dispatcher, string mailbox)
    {
        Path = path;
        Config = config;
        RouterConfig = routerConfig ?? NoRouter.Instance;
        Scope = scope ?? NoScopeGiven;
        Dispatcher = dispatcher ?? NoDispatcherGiven;
        Mailbox = mailbox ?? NoMailboxGiven;
    }

    public string Path { get; }
    public Config Config { get; }
    public RouterConfig RouterConfig { get; }
    public Scope Scope { get; }
    public string Dispatcher { get; }
    public string Mailbox { get; }

    public virtual Deploy WithFallback(Deploy other) => other is null ? this : new Deploy(
        Path,
        Config.WithFallback(other.Config),
        RouterConfig is NoRouter ? other.RouterConfig : RouterConfig.WithFallback(other.RouterConfig),
        Scope.WithFallback(other.Scope),
        Dispatcher == NoDispatcherGiven ? other.Dispatcher : Dispatcher,
        Mailbox == NoMailboxGiven ? other.Mailbox : Mailbox);

    public virtual Deploy WithScope(Scope scope) => new(Path, Config, RouterConfig, scope, Dispatcher, Mailbox);
    public virtual Deploy WithMailbox(string mailbox) => new(Path, Config, RouterConfig, Scope, Dispatcher, mailbox);
    public virtual Deploy WithDispatcher(string dispatcher) => new(Path, Config, RouterConfig, Scope, dispatcher, Mailbox);
    public virtual Deploy WithRouterConfig(RouterConfig routerConfig) => new(Path, Config, routerConfig, Scope, Dispatcher, Mailbox);

    public bool Equals(Deploy other) => other is not null && (ReferenceEquals(this, other)
        || (Path == other.Path && Dispatcher == other.Dispatcher && Mailbox == other.Mailbox
            && Equals(RouterConfig, other.RouterConfig) && Equals(Scope, other.Scope)));
    public override bool Equals(object obj) => Equals(obj as Deploy);
    public override int GetHashCode() => HashCode.Combine(Path, Dispatcher, Mailbox);
}
