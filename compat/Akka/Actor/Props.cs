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
public class Props : IEquatable<Props>
{
    public static readonly Props None = new TerminatedProps();
    private readonly IIndirectActorProducer _producer;
    private readonly Type _type;

    protected Props() : this(Deploy.Local, null, null, null, []) { }
    protected Props(Props copy) : this(copy.Deploy, copy.SupervisorStrategy, copy._type, copy._producer, copy.Arguments) { }

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
    public string Dispatcher => Deploy.Dispatcher == Deploy.NoDispatcherGiven ? Dispatch.Dispatchers.DefaultDispatcherId : Deploy.Dispatcher;
    public RouterConfig RouterConfig => Deploy.RouterConfig;
    public static Props Empty { get; } = new(Deploy.Local, null, typeof(EmptyActor), null, []);

    public static Props Create(Type type, params object[] args) =>
        new(Deploy.Local, null, type ?? throw new ArgumentNullException(nameof(type)), null, args);
    public static Props Create<TActor>(params object[] args) where TActor : ActorBase =>
        new(Deploy.Local, null, typeof(TActor), null, args);

    /// <exception cref="ArgumentException">The expression is not of the form () => new T(...).</exception>
    public static Props Create<TActor>(Expression<Func<TActor>> factory, SupervisorStrategy supervisorStrategy = null)
        where TActor : ActorBase => factory.Body is NewExpression create
            ? new Props(Deploy.Local, supervisorStrategy, create.Type, null, create.GetArguments())
            : throw new ArgumentException("The create function must be a 'new T (args)' expression");

    public static Props CreateBy(IIndirectActorProducer producer, params object[] args) => new(Deploy.Local, null, null, producer, args);
    protected virtual Props Copy() => new(this);
    private Props With(Deploy deploy)
    {
        var copy = Copy();
        copy.Deploy = deploy;
        return copy;
    }

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
            return (ActorBase)Activator.CreateInstance(_type, System.Reflection.BindingFlags.Instance
                | System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.NonPublic, null, Arguments, null);
        }
        catch (Exception e) when (e is System.Reflection.TargetInvocationException or MissingMethodException)
        {
            throw new TypeLoadException($"Error while creating actor instance of type {_type} with {Arguments.Length} args: "
                + $"({StringFormat.SafeJoin(",", Arguments)})", e is MissingMethodException ? e : e.InnerException);
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
