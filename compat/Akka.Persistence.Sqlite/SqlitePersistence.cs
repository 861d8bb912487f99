using Akka.Actor;
using Akka.Configuration;

namespace Akka.Persistence.Sqlite;

/// <summary>Brings the default configuration of the SQLite plugins into an actor system: <c>SqlitePersistence.Get(system)</c>.</summary>
public class SqlitePersistence : IExtension
{
    public const string JournalConfigPath = "akka.persistence.journal.sqlite";
    public const string SnapshotConfigPath = "akka.persistence.snapshot-store.sqlite";
    public readonly Config DefaultJournalConfig;
    public readonly Config DefaultSnapshotConfig;

    public SqlitePersistence(ExtendedActorSystem system)
    {
        var defaults = DefaultConfiguration();
        system.Settings.InjectTopLevelFallback(defaults);
        DefaultJournalConfig = defaults.GetConfig(JournalConfigPath);
        DefaultSnapshotConfig = defaults.GetConfig(SnapshotConfigPath);
    }

    public static SqlitePersistence Get(ActorSystem system) => system.WithExtension<SqlitePersistence, SqlitePersistenceProvider>();

    public static Config DefaultConfiguration()
    {
        using var stream = typeof(SqlitePersistence).Assembly.GetManifestResourceStream("Akka.Persistence.Sqlite.sqlite.conf");
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }
}

public class SqlitePersistenceProvider : ExtensionIdProvider<SqlitePersistence>
{
    public override SqlitePersistence CreateExtension(ExtendedActorSystem system) => new(system);
}
