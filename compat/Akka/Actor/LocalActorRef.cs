using Akka.Actor.Internal;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;

namespace Akka.Actor;

public class LocalActorRef : InternalActorRefBase
{
    internal LocalActorRef(ActorSystemImpl system, Props props, MessageDispatcher dispatcher, MailboxType mailboxType, IInternalActorRef supervisor, ActorPath path)
    {
        Path = path;
        Cell = NewActorCell(system, props, dispatcher, supervisor);
        Cell.Init(mailboxType);
    }

    private protected virtual ActorCell NewActorCell(ActorSystemImpl system, Props props, MessageDispatcher dispatcher, IInternalActorRef supervisor) =>
        new(system, this, props, dispatcher, supervisor);

    public ActorCell Cell { get; }
    public override ActorPath Path { get; }
    public override IInternalActorRef Parent => Cell.Parent;
    public override IActorRefProvider Provider => Cell.SystemImpl.Provider;
    public override bool IsLocal => true;
    public override void Start() => Cell.Start();
    public override void Stop() => Cell.Stop();
    public override void Restart(Exception cause) => Cell.Restart(cause);
    public override void Suspend() => Cell.Suspend();
    public override void Resume(Exception causedByFailure = null) => Cell.Resume(causedByFailure);
    public override void SendSystemMessage(ISystemMessage message) => Cell.SendSystemMessage(message);
    protected override void TellInternal(object message, IActorRef sender) => Cell.SendMessage(sender, message);
    public virtual IInternalActorRef GetSingleChild(string name) => Cell.GetSingleChild(name);

    public override IActorRef GetChild(IReadOnlyList<string> name)
    {
        IInternalActorRef current = this;
        for (var i = 0; i < name.Count; i++)
        {
            current = name[i] switch
            {
                "" => current,
                ".." => current.Parent,
                var child when current is LocalActorRef local => local.GetSingleChild(child),
                _ => (IInternalActorRef)current.GetChild([.. name.Skip(i)]),
            };
            if (current is Nobody) return current;
            if (current is not LocalActorRef) return current.GetChild([.. name.Skip(i + 1)]);
        }
        return current;
    }
}
