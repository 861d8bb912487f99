using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite;

/// <summary>
/// The extension behind the plugins: their default configuration, and one thread for each file that they share.
/// </summary>
public sealed class SqlitePersistence : IExtension
{
    /// <summary>Path of the journal's section.</summary>
    public const string JournalConfigPath = "akka.persistence.journal.sqlite";

    /// <summary>Path of the snapshot store's section.</summary>
    public const string SnapshotStoreConfigPath = "akka.persistence.snapshot-store.sqlite";

    private readonly ConcurrentDictionary<string, Lazy<StoreThread>> _threads = new(StringComparer.Ordinal);

    /// <summary>reference.conf: a fallback for the configuration of the actor system.</summary>
    public static Config DefaultConfig { get; } = ConfigurationFactory.FromResource(
        "Supervisor.Persistence.Sqlite.reference.conf", typeof(SqlitePersistence).Assembly);

    /// <summary>The extension of this actor system.</summary>
    public static SqlitePersistence Get(ActorSystem system) =>
        system.WithExtension<SqlitePersistence, SqlitePersistenceProvider>();

    /// <summary>
    /// Access to the thread that owns the file, which the first plugin starts and the last one closes; and to the table, which
    /// plugins for the same table share, since only one object can assign its numbers.
    /// </summary>
    internal (StoreAccess Access, T Table) Acquire<T>(StoreSettings settings, Func<T> create) where T : IStoreTable
    {
        // A plugin with invalid settings must not configure the thread.
        if (settings.Problem is not null)
        {
            var unused = create();
            return (new StoreAccess(null, settings, unused), unused);
        }
        while (true)
        {
            var lazy = _threads.GetOrAdd(settings.ConnectionString, _ => new Lazy<StoreThread>(() => new StoreThread(settings)));
            if (lazy.Value.TryAddUser(settings.Reserve))
            {
                var table = lazy.Value.Table(settings.Table, create);
                return (new StoreAccess(lazy.Value, settings, table), table);
            }
            _threads.TryRemove(KeyValuePair.Create(settings.ConnectionString, lazy)); // just closed
        }
    }
}

/// <summary>Creates <see cref="SqlitePersistence"/> for an actor system.</summary>
public sealed class SqlitePersistenceProvider : ExtensionIdProvider<SqlitePersistence>
{
    /// <inheritdoc/>
    public override SqlitePersistence CreateExtension(ExtendedActorSystem system) => new();
}
