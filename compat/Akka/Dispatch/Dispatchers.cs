using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Dispatch;

/// <summary>All dispatchers of a system by their configuration path.</summary>
public sealed class Dispatchers(ActorSystem system, IDispatcherPrerequisites prerequisites, ILoggingAdapter logger)
{
    public const string DefaultDispatcherId = "akka.actor.default-dispatcher";
    public const string DefaultBlockingDispatcherId = "akka.actor.default-blocking-io-dispatcher";
    public const string SynchronizedDispatcherId = "akka.actor.synchronized-dispatcher";
    internal const string InternalDispatcherId = "akka.actor.internal-dispatcher";
    private readonly ConcurrentDictionary<string, MessageDispatcherConfigurator> _configurators = new();
    private readonly ConcurrentDictionary<MessageDispatcher, bool> _made = new();

    public IDispatcherPrerequisites Prerequisites { get; } = prerequisites;

    /// <exception cref="ConfigurationException">Not configured, or of an unknown type.</exception>
    public MessageDispatcher Lookup(string dispatcherName)
    {
        var dispatcher = _configurators.GetOrAdd(dispatcherName, Configure).Dispatcher();
        // A pinned one ends with its actor; the others when the system does.
        if (dispatcher is Dispatcher { OwnsThreads: true } and not PinnedDispatcher) _made.TryAdd(dispatcher, true);
        return dispatcher;
    }

    internal void StopThreads()
    {
        foreach (var dispatcher in _made.Keys) dispatcher.StopThreads();
    }

    /// <summary>A section, or a string that names another section.</summary>
    public static Config GetConfig(Config config, string id, int depth = 0)
    {
        if (!config.HasPath(id)) throw new ConfigurationException($"Dispatcher [{id}] not configured");
        var value = config.GetValue(id);
        if (value.IsString() && depth < 20) return GetConfig(config, value.GetString(), depth + 1);
        var named = new Dictionary<string, Configuration.Hocon.HoconValue> { ["id"] = new(id, quoted: true) };
        return new Config(new Configuration.Hocon.HoconValue(named))
            .WithFallback(config.GetConfig(id)).WithFallback(config.GetConfig(DefaultDispatcherId));
    }

    private MessageDispatcherConfigurator Configure(string id)
    {
        var config = GetConfig(Prerequisites.Settings.Config, id);
        var own = Prerequisites.Settings.Config.GetConfig(id);
        var type = own is null || !own.HasPath("type") ? "Dispatcher" : own.GetString("type");
        switch (type)
        {
            case "Dispatcher" or "TaskDispatcher" or "ChannelDispatcher" or "SynchronizedDispatcher":
                return new DispatcherConfigurator(config, Prerequisites);
            case "ForkJoinDispatcher":
                return new DispatcherConfigurator(config, Prerequisites, dedicatedThreads: true);
            case "PinnedDispatcher":
                return new PinnedDispatcherConfigurator(config, Prerequisites);
            default:
                var custom = TypeCache.TryGet(type) ?? throw new ConfigurationException($"Could not resolve dispatcher type [{type}] for path [{id}]");
                logger?.Debug("Dispatcher [{0}] of [{1}] is [{2}]", id, system.Name, custom);
                return (MessageDispatcherConfigurator)Activator.CreateInstance(custom, config, Prerequisites);
        }
    }
}

public class Dispatcher : MessageDispatcher
{
    private readonly ThreadSource _threads;

    internal Dispatcher(MessageDispatcherConfigurator configurator, ThreadSource threads) : base(configurator) => _threads = threads;
    internal bool OwnsThreads => _threads is not null;

    protected override void ExecuteTask(IRunnable run)
    {
        if (_threads is null) ThreadPool.UnsafeQueueUserWorkItem(run, preferLocal: false);
        else _threads.Enqueue(run);
    }

    protected override void Shutdown() => _threads?.Stop();
    private protected override void OnEmpty() { if (this is PinnedDispatcher) _threads.Stop(); }
}

/// <summary>A thread of its own for every actor that runs on it.</summary>
public sealed class PinnedDispatcher : Dispatcher
{
    internal PinnedDispatcher(MessageDispatcherConfigurator configurator, ThreadSource threads) : base(configurator, threads) { }
}

public sealed class DispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly Dispatcher _dispatcher;

    public DispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites)
        : this(config, prerequisites, config.GetString("executor") is "fork-join-executor") { }

    internal DispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites, bool dedicatedThreads)
        : base(config, prerequisites) => _dispatcher = new Dispatcher(this, dedicatedThreads ? ThreadSource.FromConfig(config) : null);

    public override MessageDispatcher Dispatcher() => _dispatcher;
}

internal sealed class PinnedDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites) : MessageDispatcherConfigurator(config, prerequisites)
{
    public override MessageDispatcher Dispatcher() => new PinnedDispatcher(this, new ThreadSource(Config.GetString("id"), 1));
}
