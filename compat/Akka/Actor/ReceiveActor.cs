using Akka.Dispatch;

namespace Akka.Actor
{
    /// <summary>Handlers declared by type, tried in the order of declaration.</summary>
    public abstract class ReceiveActor : UntypedActor, Internal.IInitializableActor
    {
        private List<Func<object, bool>> _declaring = [];
        private Func<object, bool>[] _initial = [];
        private bool _closed;

        /// <summary>Called by the cell after the constructor: the handlers declared so far are the first behaviour.</summary>
        void Internal.IInitializableActor.Init()
        {
            _initial = [.. _declaring];
            _declaring = null;
        }

        private static bool Execute(Func<object, bool>[] handlers, object message)
        {
            foreach (var handler in handlers)
                if (handler(message))
                    return true;
            return false;
        }

        private Receive Configured(Action configure)
        {
            var (declaring, closed) = (_declaring, _closed);
            (_declaring, _closed) = ([], false);
            try
            {
                configure();
                Func<object, bool>[] handlers = [.. _declaring];
                return m => Execute(handlers, m);
            }
            finally
            {
                (_declaring, _closed) = (declaring, closed);
            }
        }

        protected sealed override void OnReceive(object message)
        {
            if (!Execute(_initial, message)) Unhandled(message);
        }

        protected void Become(Action configure) => base.Become(Configured(configure));
        protected void BecomeStacked(Action configure) => base.BecomeStacked(Configured(configure));

        private void Add(Func<object, bool> handler)
        {
            if (_declaring is null)
                throw new InvalidOperationException("You may only call Receive-methods when constructing the actor and inside Become().");
            if (_closed)
                throw new InvalidOperationException("A handler that catches all messages has been added. No handler can be added after that.");
            _declaring.Add(handler);
        }

        protected void Receive<T>(Action<T> handler, Predicate<T> shouldHandle = null)
        {
            Add(m =>
            {
                if (m is not T t || (shouldHandle is not null && !shouldHandle(t))) return false;
                handler(t);
                return true;
            });
            _closed = shouldHandle is null && typeof(T) == typeof(object);
        }

        protected void Receive<T>(Predicate<T> shouldHandle, Action<T> handler) => Receive(handler, shouldHandle);
        protected void Receive<T>(Func<T, bool> handler) => Add(m => m is T t && handler(t));
        protected void ReceiveAny(Action<object> handler) => Receive(handler);

        protected void ReceiveAsync<T>(Func<T, Task> handler, Predicate<T> shouldHandle = null) =>
            Receive(t => ActorTaskScheduler.RunTask(() => handler(t)), shouldHandle);
        protected void ReceiveAsync<T>(Predicate<T> shouldHandle, Func<T, Task> handler) => ReceiveAsync(handler, shouldHandle);
        protected void ReceiveAnyAsync(Func<object, Task> handler) => ReceiveAsync(handler);
    }
}

namespace Akka.Actor.Internal
{
    public interface IInitializableActor
    {
        void Init();
    }
}
