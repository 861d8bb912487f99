using Akka.Actor;
using Akka.Event;
using Supervisor.Persistence.Sqlite;

namespace Supervisor.Actors.Persistence;

/// <summary>Whether the journal uses its reserved space: then nothing new may be started.</summary>
public sealed class JournalSpace
{
    private volatile bool _isLow;

    /// <summary>The journal's file system is full.</summary>
    public bool IsLow => _isLow;

    /// <summary>Subscribes to the journal's messages. Must be created before the journal is used.</summary>
    internal sealed class Watch : UntypedActor
    {
        private readonly JournalSpace _space;
        private readonly ILoggingAdapter _log = Context.GetLogger();

        public Watch(JournalSpace space) => _space = space;

        /// <summary>How to create one.</summary>
        public static Props Props(JournalSpace space) => Akka.Actor.Props.Create(() => new Watch(space));

        protected override void PreStart()
        {
            Context.System.EventStream.Subscribe(Self, typeof(StoreSpaceLow));
            base.PreStart();
        }

        protected override void OnReceive(object message)
        {
            if (message is not StoreSpaceLow space) return;
            _space._isLow = space.IsLow;
            if (space.IsLow) _log.Warning(
                "the file system of {0} is full: until there is space again, containers can be inspected, killed and deleted, "
                + "and nothing new can be started", space.File);
            else _log.Info("there is space again for {0}", space.File);
        }
    }
}
