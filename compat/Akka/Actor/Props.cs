using System.Linq.Expressions;
using Akka.Routing;
using Akka.Util;
using Akka.Util.Reflection;

namespace Akka.Actor;

public interface IIndirectActorProducer
{
    Type ActorType { get; }
    ActorBase Produce();
    void Release(ActorBase actor);
}

/// <summary>The recipe from which an actor is made, and made again at every restart. Immutable.</summary>
public class Props : ISurrogated, IEquatable<Props>
{
    public static readonly Props None = new TerminatedProps();
    private readonly IIndirectActorProducer _producer;
    private readonly Type _type;

    protected Props() : this(Deploy.Local, null, null, null, []) { }
    protected Props(Props copy) : this(copy.Deploy, copy.SupervisorStrategy, copy._type, copy._producer, copy.Arguments) { }
    public Props(Type type) : this(type, []) { }
    public Props(Type type, object[] args) : this(Deploy.Local, type, args) { }
    public Props(Deploy deploy, Type type, params object[] args) : this(deploy, null, type, null, args) { }
    public Props(Deploy deploy, Type type, IEnumerable<object> args) : this(deploy, null, type, null, [.. args]) { }
    public Props(Type type, SupervisorStrategy supervisorStrategy, params object[] args) : this(Deploy.Local, supervisorStrategy, type, null, args) { }
    public Props(Type type, SupervisorStrategy supervisorStrategy, IEnumerable<object> args) : this(Deploy.Local, supervisorStrategy, type, null, [.. args]) { }

    private Props(Deploy deploy, SupervisorStrategy strategy, Type type, IIndirectActorProducer producer, object[] args)
    {
        Deploy = deploy;
        SupervisorStrategy = strategy;
        _type = type;
        _producer = producer;
        Arguments = args ?? [];
        if (type is { IsAbstract: true } or { ContainsGenericParameters: true })
            throw new ArgumentException($"Unable to create an actor from {type}: it is abstract or an open generic type");
    }

    public Deploy Deploy { get; protected set; }
    public SupervisorStrategy SupervisorStrategy { get; protected set; }
    public object[] Arguments { get; }
    public Type Type => _producer?.ActorType ?? _type;
    public string TypeName => Type?.AssemblyQualifiedName;
    public string Dispatcher => Deploy.Dispatcher == Deploy.NoDispatcherGiven ? Dispatch.Dispatchers.DefaultDispatcherId : Deploy.Dispatcher;
    public string Mailbox => Deploy.Mailbox == Deploy.NoMailboxGiven ? null : Deploy.Mailbox;
    public RouterConfig RouterConfig => Deploy.RouterConfig;
    public static Props Empty { get; } = new Props(typeof(EmptyActor));

    public static Props Create(Type type, params object[] args) => new(type ?? throw new ArgumentNullException(nameof(type)), args);
    public static Props Create<TActor>(params object[] args) where TActor : ActorBase => new(typeof(TActor), args);
    public static Props Create<TActor>(SupervisorStrategy supervisorStrategy) where TActor : ActorBase, new() => new(typeof(TActor), supervisorStrategy);

    /// <exception cref="ArgumentException">The expression is not of the form () => new T(...).</exception>
    public static Props Create<TActor>(Expression<Func<TActor>> factory, SupervisorStrategy supervisorStrategy = null) where TActor : ActorBase =>
        factory.Body is NewExpression create
            ? new Props(create.Type, supervisorStrategy, create.GetArguments())
            : throw new ArgumentException("The create function must be a 'new T (args)' expression");

    public static Props CreateBy(IIndirectActorProducer producer, params object[] args) => new(Deploy.Local, null, null, producer, args);

    protected virtual Props Copy() => new(this);
    private Props With(Deploy deploy)
    {
        var copy = Copy();
        copy.Deploy = deploy;
        return copy;
    }

    public Props WithDeploy(Deploy deploy) => With(deploy.WithFallback(Deploy));
    public Props WithDispatcher(string dispatcher) => With(Deploy.WithDispatcher(dispatcher));
    public Props WithMailbox(string mailbox) => With(Deploy.WithMailbox(mailbox));
    public Props WithRouter(RouterConfig routerConfig) => With(Deploy.WithRouterConfig(routerConfig));
    public Props WithSupervisorStrategy(SupervisorStrategy supervisorStrategy)
    {
        var copy = Copy();
        copy.SupervisorStrategy = supervisorStrategy;
        return copy;
    }

    public virtual ActorBase NewActor()
    {
        if (_producer is not null) return _producer.Produce();
        try
        {
            return Arguments.Length == 0
                ? (ActorBase)Activator.CreateInstance(_type, nonPublic: true)
                : (ActorBase)Activator.CreateInstance(_type, System.Reflection.BindingFlags.Instance
                    | System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.NonPublic, null, Arguments, null);
        }
        catch (System.Reflection.TargetInvocationException e)
        {
            throw new TypeLoadException($"Error while creating actor instance of type {_type} with {Arguments.Length} args: ({StringFormat.SafeJoin(",", Arguments)})", e.InnerException);
        }
        catch (MissingMethodException e)
        {
            throw new TypeLoadException($"Error while creating actor instance of type {_type} with {Arguments.Length} args: ({StringFormat.SafeJoin(",", Arguments)})", e);
        }
    }

    internal void Release(ActorBase actor)
    {
        if (_producer is not null) _producer.Release(actor);
        else (actor as IDisposable)?.Dispose();
    }

    public bool Equals(Props other) => other is not null && (ReferenceEquals(this, other)
        || (Equals(Deploy, other.Deploy) && Type == other.Type && Equals(_producer, other._producer)
            && Equals(SupervisorStrategy, other.SupervisorStrategy) && Arguments.SequenceEqual(other.Arguments)));
    public override bool Equals(object obj) => Equals(obj as Props);
    public override int GetHashCode() => HashCode.Combine(Type, Arguments.Length);
    public ISurrogate ToSurrogate(ActorSystem system) => new PropsSurrogate { Deploy = Deploy, Type = Type, Arguments = Arguments };

    public class PropsSurrogate : ISurrogate
    {
        public Deploy Deploy { get; set; }
        public Type Type { get; set; }
        public object[] Arguments { get; set; }
        public ISurrogated FromSurrogate(ActorSystem system) => new Props(Deploy, Type, Arguments);
    }

    private sealed class EmptyActor : UntypedActor
    {
        protected override void OnReceive(object message) => Unhandled(message);
    }
}

public class TerminatedProps : Props
{
    public override ActorBase NewActor() => throw new InvalidOperationException("This actor has been terminated");
    protected override Props Copy() => this;
}
