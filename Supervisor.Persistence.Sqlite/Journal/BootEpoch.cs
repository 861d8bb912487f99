using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// Keeps offsets from being reused. A power loss undoes unsynced commits, whose offsets subscribers may have seen. So the first
/// opening after a boot starts a new epoch: its offsets start at the next multiple of 2^32, and that is synced before the first
/// of them is used. Offsets stay below 2^53 for two million boots.
/// </summary>
internal sealed class BootEpoch(string events, string bootId)
{
    private const int Bits = 32;

    /// <summary>Offsets in one epoch.</summary>
    public const long Size = 1L << Bits;

    /// <summary>SQL of the table of epochs, for each table of events.</summary>
    public const string Schema = """
        CREATE TABLE IF NOT EXISTS journal_epochs (
            events VARCHAR(255) NOT NULL,
            first INTEGER NOT NULL,
            boot_id VARCHAR(64) NOT NULL,
            opened_at INTEGER NOT NULL,
            checksum INTEGER NULL,
            PRIMARY KEY (events, first)
        );
        """;

    /// <summary>The highest offset assigned or skipped so far. In a transaction that is synced.</summary>
    public long Enter(StoreConnection connection)
    {
        var given = connection.Number("SELECT seq FROM sqlite_sequence WHERE name = $0", events) ?? 0;
        var epoch = connection.Number("SELECT max(first) FROM journal_epochs WHERE events = $0", events);
        var same = connection.Number(
            "SELECT 1 FROM journal_epochs WHERE events = $0 AND first = $1 AND boot_id = $2", events, epoch, bootId);
        if (same is not null) return given;
        // A file without epochs was written with a sync for every event: a power loss cannot have undone any of its offsets.
        var begin = epoch is null ? given + 1 : ((Math.Max(given, epoch.Value) >> Bits) + 1) << Bits;
        var now = DateTime.UtcNow.Ticks;
        connection.Run(
            "INSERT INTO journal_epochs (events, first, boot_id, opened_at, checksum) VALUES ($0, $1, $2, $3, $4)",
            events, begin, bootId, now, new RowChecksum().Add(events).Add(begin).Add(bootId).Add(now).Value);
        if (connection.Run("UPDATE sqlite_sequence SET seq = $1 WHERE name = $0", events, begin - 1) == 0)
            connection.Run("INSERT INTO sqlite_sequence (name, seq) VALUES ($0, $1)", events, begin - 1);
        return begin - 1;
    }

    /// <summary>The configured id, or the kernel's for this boot; without one, every opening counts as a new boot.</summary>
    public static string Current(string configured)
    {
        if (configured.Length > 0) return configured;
        const string File = "/proc/sys/kernel/random/boot_id";
        return System.IO.File.Exists(File) ? System.IO.File.ReadAllText(File).Trim() : Guid.NewGuid().ToString();
    }
}
