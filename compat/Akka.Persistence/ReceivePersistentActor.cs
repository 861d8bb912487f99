using Akka.Actor.Internal;

namespace Akka.Persistence;

/// <summary>A persistent actor whose handlers are declared by type, in the constructor or in Become, and tried in order.</summary>
public abstract class ReceivePersistentActor : UntypedPersistentActor, IInitializableActor
{
    private readonly List<Func<object, bool>> _recover = [];
    private List<Func<object, bool>> _declaring = [];
    private Func<object, bool>[] _initial = [];

    void IInitializableActor.Init()
    {
        _initial = [.. _declaring];
        _declaring = null;
    }

    protected sealed override void OnCommand(object message) => Handle(_initial, message);
    protected sealed override void OnRecover(object message) => Handle(_recover, message);
    protected void Become(Action configure) => base.Become(Configured(configure));
    protected void BecomeStacked(Action configure) => base.BecomeStacked(Configured(configure));
    protected void Command<T>(Action<T> handler, Predicate<T> shouldHandle = null) => AddCommand(Match(handler, shouldHandle));
    protected void Command<T>(Predicate<T> shouldHandle, Action<T> handler) => Command(handler, shouldHandle);
    protected void Command<T>(Func<T, bool> handler) => AddCommand(m => m is T t && handler(t));
    protected void CommandAny(Action<object> handler) => Command(handler);
    protected void CommandAsync<T>(Func<T, Task> handler, Predicate<T> shouldHandle = null) =>
        Command(m => RunTask(() => handler(m)), shouldHandle);
    protected void CommandAnyAsync(Func<object, Task> handler) => CommandAsync(handler);
    protected void Recover<T>(Action<T> handler, Predicate<T> shouldHandle = null) => _recover.Add(Match(handler, shouldHandle));
    protected void Recover<T>(Predicate<T> shouldHandle, Action<T> handler) => Recover(handler, shouldHandle);
    protected void Recover<T>(Func<T, bool> handler) => _recover.Add(m => m is T t && handler(t));
    protected void RecoverAny(Action<object> handler) => Recover(handler);

    private static Func<object, bool> Match<T>(Action<T> handler, Predicate<T> shouldHandle) => m =>
    {
        if (m is not T t || (shouldHandle is not null && !shouldHandle(t))) return false;
        handler(t);
        return true;
    };

    private void AddCommand(Func<object, bool> handler) => (_declaring
        ?? throw new InvalidOperationException("You may only call Command-methods when constructing the actor and inside Become().")).Add(handler);

    private void Handle(IEnumerable<Func<object, bool>> handlers, object message)
    {
        if (!handlers.Any(handler => handler(message))) Unhandled(message);
    }

    private Akka.Actor.UntypedReceive Configured(Action configure)
    {
        var outer = _declaring;
        _declaring = [];
        try
        {
            configure();
            Func<object, bool>[] handlers = [.. _declaring];
            return message => Handle(handlers, message);
        }
        finally
        {
            _declaring = outer;
        }
    }
}
