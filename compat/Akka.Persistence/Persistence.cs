using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;

namespace Akka.Persistence;

/// <summary>Finds the persistence extension of an actor system: <c>Persistence.Instance.Apply(system)</c>.</summary>
public class Persistence : ExtensionIdProvider<PersistenceExtension>
{
    public static Persistence Instance { get; } = new();

    public override PersistenceExtension CreateExtension(ExtendedActorSystem system) => new(system);

    public static Config DefaultConfig()
    {
        using var stream = typeof(Persistence).Assembly.GetManifestResourceStream("Akka.Persistence.persistence.conf");
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }
}

/// <summary>The journals and snapshot stores of one actor system; each is started when first asked for.</summary>
public class PersistenceExtension : IExtension
{
    private const string JournalFallback = "akka.persistence.journal-plugin-fallback";
    private const string SnapshotFallback = "akka.persistence.snapshot-store-plugin-fallback";
    private const string NoSnapshotStore = "akka.persistence.no-snapshot-store";
    private readonly ExtendedActorSystem _system;
    private readonly Config _config;
    private readonly string _defaultJournal, _defaultStore;
    private readonly ConcurrentDictionary<string, Lazy<Plugin>> _journals = [];
    private readonly ConcurrentDictionary<string, Lazy<Plugin>> _stores = [];
    private readonly Lazy<IActorRef> _permitter;

    public PersistenceExtension(ExtendedActorSystem system)
    {
        _system = system;
        _system.Settings.InjectTopLevelFallback(Persistence.DefaultConfig());
        _config = system.Settings.Config.GetConfig("akka.persistence");
        _defaultJournal = _config.GetString("journal.plugin");
        _defaultStore = _config.GetString("snapshot-store.plugin");
        Settings = new PersistenceSettings(_config);
        StashCapacity = system.Settings.Config.GetInt("akka.actor.default-mailbox.stash-capacity", -1);
        var strategy = _config.GetString("internal-stash-overflow-strategy");
        DefaultInternalStashOverflowStrategy = Make<IStashOverflowStrategyConfigurator>(strategy).Create(_config);
        _permitter = new(() => system.SystemActorOf(RecoveryPermitter.Props(Settings.MaxConcurrentRecoveries), "recoveryPermitter"));
    }

    public PersistenceSettings Settings { get; }
    public IStashOverflowStrategy DefaultInternalStashOverflowStrategy { get; }
    internal int StashCapacity { get; }
    internal IActorRef Permitter => _permitter.Value;

    /// <exception cref="ArgumentException">There is no such section, or its class cannot be made.</exception>
    public IActorRef JournalFor(string journalPluginId) => Journal(journalPluginId).Ref;

    /// <exception cref="ArgumentException">There is no such section, or its class cannot be made.</exception>
    public IActorRef SnapshotStoreFor(string snapshotPluginId) => Store(snapshotPluginId).Ref;
    internal TimeSpan RecoveryTimeoutOf(string journalPluginId) => Journal(journalPluginId).RecoveryTimeout;
    internal Config SnapshotConfigFor(string snapshotPluginId) => Store(snapshotPluginId).Config;

    private Plugin Journal(string id)
    {
        if (string.IsNullOrEmpty(id)) id = _defaultJournal;
        if (string.IsNullOrEmpty(id)) throw new ArgumentException("No journal: set akka.persistence.journal.plugin to the path of one.");
        // Without a closure: every actor asks several times.
        return _journals.GetOrAdd(id, static (path, me) => new(() => me.Start(path, JournalFallback)), this).Value;
    }

    private Plugin Store(string id)
    {
        if (string.IsNullOrEmpty(id)) id = _defaultStore;
        if (string.IsNullOrEmpty(id)) id = NoSnapshotStore;
        return _stores.GetOrAdd(id, static (path, me) => new(() => me.Start(path, SnapshotFallback)), this).Value;
    }

    private Plugin Start(string path, string fallback)
    {
        if (!_system.Settings.Config.HasPath(path))
            throw new ArgumentException($"The configuration has no section \"{path}\" for a persistence plugin.");
        var config = PluginConfig(_system, path, fallback);
        var type = Find(config.GetString("class"), path + ".class");
        var props = type.GetConstructor([typeof(Config)]) is null ? Props.Create(type) : Props.Create(type, config);
        var dispatcher = config.GetString("plugin-dispatcher");
        if (!string.IsNullOrEmpty(dispatcher)) props = props.WithDispatcher(dispatcher);
        return new(_system.SystemActorOf(props, path), config);
    }

    // A plugin actor is named after its section, so it can find its settings before Start has returned.
    internal static Config JournalConfigOf(IActorContext plugin) => PluginConfig(plugin.System, plugin.Self.Path.Name, JournalFallback);
    internal static Config SnapshotConfigOf(IActorContext plugin) => PluginConfig(plugin.System, plugin.Self.Path.Name, SnapshotFallback);

    private static Config PluginConfig(ActorSystem system, string path, string fallback)
    {
        var defaults = system.Settings.Config.GetConfig(fallback);
        return system.Settings.Config.HasPath(path) ? system.Settings.Config.GetConfig(path).WithFallback(defaults) : defaults;
    }

    internal static T Make<T>(string typeName) where T : class =>
        Activator.CreateInstance(Find(typeName, typeName)) as T
        ?? throw new ArgumentException($"\"{typeName}\" is not a {typeof(T).Name}.");

    private static Type Find(string typeName, string what) =>
        (string.IsNullOrEmpty(typeName) ? null : Type.GetType(typeName))
        ?? throw new ArgumentException($"{what}: no type \"{typeName}\"; write \"Namespace.Type, Assembly\".");

    private sealed record Plugin(IActorRef Ref, Config Config)
    {
        public TimeSpan RecoveryTimeout { get; } = Config.GetTimeSpan("recovery-event-timeout", TimeSpan.FromSeconds(30), false);
    }
}

/// <summary>Settings of the extension as a whole.</summary>
public sealed class PersistenceSettings
{
    internal PersistenceSettings(Config config) => MaxConcurrentRecoveries = config.GetInt("max-concurrent-recoveries", 50);

    internal int MaxConcurrentRecoveries { get; }
}
