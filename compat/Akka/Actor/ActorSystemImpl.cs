using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.SysMsg;
using Akka.Event;

namespace Akka.Actor.Internal;

public partial class ActorSystemImpl : ExtendedActorSystem
{
    private readonly ConcurrentDictionary<Type, Lazy<object>> _extensions = new();
    private readonly Stack<Action> _onTermination = new();
    private readonly TaskCompletionSource _whenTerminated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Serialization.Serialization _serialization;
    private IActorRef _deadLetterListener;
    private bool _terminating;

    internal ActorSystemImpl(string name, Config config)
    {
        if (!ValidName().IsMatch(name))
            throw new ArgumentException($"Invalid ActorSystem name [{name}], must contain only word characters (i.e. [a-zA-Z0-9] plus non-leading '-')", nameof(name));
        ArgumentNullException.ThrowIfNull(config);
        Name = name;
        Settings = new Settings(this, config);
        EventStream = new EventStream(debug: false);
        EventStream.StartStdoutLogger(Settings);
        Log = new BusLogging(EventStream, $"ActorSystem({name})", typeof(ActorSystem), Settings.LogFormatter);
        Scheduler = (IScheduler)Activator.CreateInstance(TypeCache.TryGet(Settings.SchedulerClass)
            ?? throw new ConfigurationException($"Could not find the type {Settings.SchedulerClass} of akka.scheduler.implementation"), Settings.Config, Log);
        LocalProvider = new LocalActorRefProvider(this);
        Mailboxes = new Mailboxes(this);
        Dispatchers = new Dispatchers(this, new DefaultDispatcherPrerequisites(EventStream, Scheduler, Settings, Mailboxes), Log);
    }

    [GeneratedRegex("^[a-zA-Z0-9][a-zA-Z0-9-_]*$")]
    private static partial Regex ValidName();

    public override string Name { get; }
    public override Settings Settings { get; }
    public override EventStream EventStream { get; }
    public override ILoggingAdapter Log { get; }
    public override IScheduler Scheduler { get; }
    public override Mailboxes Mailboxes { get; }
    public override Dispatchers Dispatchers { get; }
    public override Serialization.Serialization Serialization => _serialization;
    internal LocalActorRefProvider LocalProvider { get; }
    public override IActorRefProvider Provider => LocalProvider;
    public override IActorRef DeadLetters => LocalProvider.DeadLetters;
    public override IInternalActorRef Guardian => LocalProvider.Guardian;
    public override IInternalActorRef LookupRoot => LocalProvider.RootGuardian;
    public override IInternalActorRef SystemGuardian => LocalProvider.SystemGuardian;
    public override Task WhenTerminated => _whenTerminated.Task;

    public void Start()
    {
        try
        {
            LocalProvider.Init();
            LocalProvider.TerminationTask.ContinueWith(_ => FinishTermination(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            _serialization = new Serialization.Serialization(this);
            EventStream.StartUnsubscriber(this);
            EventStream.StartDefaultLoggers(this);
            if (Settings.LogDeadLetters > 0)
            {
                _deadLetterListener = SystemActorOf<DeadLetterListener>("deadLetterListener");
                // Here as well as in its PreStart, so that no early letter is missed.
                EventStream.Subscribe(_deadLetterListener, typeof(DeadLetter));
            }
            if (Settings.LogConfigOnStart) Log.Warning(Settings.ToString());
            CoordinatedShutdown.Start(this);
        }
        catch
        {
            Terminate();
            throw;
        }
    }

    public override IActorRef ActorOf(Props props, string name = null) => LocalProvider.Guardian.Cell.AttachChild(props, false, name);
    public override IActorRef SystemActorOf(Props props, string name = null) => LocalProvider.SystemGuardian.Cell.AttachChild(props, true, name);
    public override IActorRef SystemActorOf<TActor>(string name = null) => SystemActorOf(Props.Create<TActor>(), name);
    public override ActorSelection ActorSelection(ActorPath actorPath) => ActorRefFactoryShared.ActorSelection(actorPath, this);
    public override ActorSelection ActorSelection(string actorPath) => ActorRefFactoryShared.ActorSelection(actorPath, this, LookupRoot);

    public override void Stop(IActorRef actor)
    {
        var parent = ((IInternalActorRef)actor).Parent;
        if (parent.Equals(Guardian) || parent.Equals(SystemGuardian)) parent.Tell(new StopChild(actor), ActorRefs.NoSender);
        else ((IInternalActorRef)actor).Stop();
    }

    public override Task Terminate()
    {
        if (Settings.CoordinatedShutdownRunByActorSystemTerminate && TryGetExtension<CoordinatedShutdown>(out var shutdown))
            shutdown.Run(CoordinatedShutdown.ActorSystemTerminateReason.Instance)
                .ContinueWith(_ => TerminateNow(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        else TerminateNow();
        return WhenTerminated;
    }

    /// <summary>Stops /user, then /system, then the root.</summary>
    internal void TerminateNow()
    {
        lock (_onTermination)
        {
            if (_terminating) return;
            _terminating = true;
        }
        if (!Settings.LogDeadLettersDuringShutdown && _deadLetterListener is not null) Stop(_deadLetterListener);
        if (LocalProvider.Guardian is null) FinishTermination();
        else LocalProvider.Guardian.Stop();
    }

    private void FinishTermination()
    {
        while (true)
        {
            Action code;
            lock (_onTermination) if (!_onTermination.TryPop(out code)) break;
            try
            {
                code();
            }
            catch (Exception e)
            {
                Log.Error(e, "A termination callback of [{0}] failed: {1}", Name, e.Message);
            }
        }
        (Scheduler as IDisposable)?.Dispose();
        Dispatchers.StopThreads();
        foreach (var extension in _extensions.Values)
            if (extension.IsValueCreated) (extension.Value as IDisposable)?.Dispose();
        _whenTerminated.TrySetResult();
    }

    /// <exception cref="InvalidOperationException">The system has terminated.</exception>
    public override void RegisterOnTermination(Action code)
    {
        ArgumentNullException.ThrowIfNull(code);
        lock (_onTermination)
        {
            if (WhenTerminated.IsCompleted) throw new InvalidOperationException("ActorSystem already terminated.");
            _onTermination.Push(code);
        }
    }

    public override object RegisterExtension(IExtensionId extension)
    {
        ArgumentNullException.ThrowIfNull(extension);
        return _extensions.GetOrAdd(extension.ExtensionType, _ => new Lazy<object>(() => extension.CreateExtension(this))).Value;
    }

    public override T GetExtension<T>() => TryGetExtension<T>(out var extension) ? extension : null;
    public override bool HasExtension(Type type) => type is not null && typeof(IExtension).IsAssignableFrom(type) && _extensions.ContainsKey(type);
    public override bool HasExtension<T>() => HasExtension(typeof(T));

    public override bool TryGetExtension(Type extensionType, out object extension)
    {
        extension = _extensions.TryGetValue(extensionType, out var lazy) ? lazy.Value : null;
        return extension is not null;
    }

    public override bool TryGetExtension<T>(out T extension)
    {
        extension = TryGetExtension(typeof(T), out var found) ? (T)found : null;
        return extension is not null;
    }

    public override string ToString() => LookupRoot?.Path.Root.Address.ToString() ?? Name;
}
