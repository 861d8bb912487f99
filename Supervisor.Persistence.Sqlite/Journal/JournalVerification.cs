using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// Checks the whole file when it is opened: SQLite's structure, each row's checksum, and the range of the counters. Damaged
/// rows are reported by persistence id; damage of the structure makes the file unusable, because a write could spread it.
/// </summary>
/// <remarks>
/// A row with a damaged persistence id is reported for its present id and for the id in the index; a row that the table has
/// lost, for the id in the index.
/// </remarks>
internal sealed class JournalVerification(StoreConnection connection, string events, string metadata)
{
    private const int MostProblems = 100;

    /// <summary>What is wrong, by persistence id.</summary>
    public Dictionary<string, string> Damaged { get; } = new(StringComparer.Ordinal);

    /// <exception cref="JournalUnusableException">The structure is damaged.</exception>
    /// <returns>Whether an index was damaged, and is rebuilt from intact rows.</returns>
    public bool Run()
    {
        try
        {
            var problems = Problems();
            if (problems.Find(p => !IsOfIndex(p) && !IsOfRow(p)) is { } structure) throw Unusable(structure);
            VerifyRows();
            VerifySmall($"SELECT checksum, persistence_id, sequence_nr, ordering FROM {metadata}", r => Name(r, 1));
            VerifySmall("SELECT checksum, events, first, boot_id, opened_at FROM journal_epochs", _ => null);
            VerifySmall("SELECT checksum, events, first, previous, at, count, bytes FROM journal_history", _ => null);
            VerifyCounter();
            if (problems.Count == 0) return false;
            CompareWithIndex();
            if (Damaged.Count > 0) return false; // a rebuilt index would forget the lost rows
            connection.Run("REINDEX");
            return true;
        }
        catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB)
        {
            throw Unusable(e.Message);
        }
    }

    /// <summary>The columns of an event: those in its checksum, in its order; the checksum; and <c>is_deleted</c>.</summary>
    public const string EventColumns =
        "ordering, persistence_id, sequence_nr, manifest, timestamp, payload, tags, serializer_id, previous, checksum, "
        + "is_deleted";

    private const int Summed = 9;

    /// <summary>The same for a read-only file without our columns.</summary>
    public static string WithoutChecksums(string sql) =>
        sql.Replace("previous, checksum", "NULL, NULL", StringComparison.Ordinal);

    /// <summary>
    /// Whether a row of <see cref="EventColumns"/> matches its checksum. For a deleted one the complement is stored.
    /// </summary>
    public static bool IsIntact(ResultRow row)
    {
        var sum = Sum(row, 0, Summed);
        return row.Type(Summed) == raw.SQLITE_INTEGER && row.Type(Summed + 1) == raw.SQLITE_INTEGER
            && row.Number(Summed + 1) switch
        {
            0 => row.Number(Summed) == sum,
            1 => row.Number(Summed) == ~sum,
            _ => false,
        };
    }

    private static long Sum(ResultRow row, int first, int columns)
    {
        var sum = new RowChecksum();
        for (var column = first; column < first + columns; column++) sum = sum.Add(row, column);
        return sum.Value;
    }

    /// <summary>The checksum of an event that is not deleted.</summary>
    public static long ChecksumOf(long ordering, NewRow row, long? previous) => new RowChecksum()
        .Add(ordering).Add(row.PersistenceId).Add(row.SequenceNr).Add(row.Manifest).Add(row.Timestamp).Add(row.Payload)
            .Add(row.Tags)
        .Add(row.Serializer).Add(previous).Value;

    /// <summary>Adds checksums to all rows of a file without them, or written by a version without them.</summary>
    public static void AddChecksums(StoreConnection connection, string events, string metadata)
    {
        Set($"SELECT {EventColumns}, rowid FROM {events}", Summed, events, (sum, row) =>
            row.Number(Summed + 1) == 1 ? ~sum : sum);
        Set($"SELECT persistence_id, sequence_nr, ordering, rowid FROM {metadata}", 3, metadata, (sum, _) => sum);
        Set("SELECT events, first, boot_id, opened_at, rowid FROM journal_epochs", 4, "journal_epochs", (sum, _) => sum);
        Set("SELECT events, first, previous, at, count, bytes, rowid FROM journal_history", 6, "journal_history", (sum, _) =>
            sum);

        void Set(string select, int columns, string table, Func<long, ResultRow, long> stored)
        {
            var sums = new List<(long Row, long Sum)>();
            using (var reader = connection.Prepared(select).ExecuteReader())
            {
                while (reader.Read())
                {
                    var row = new ResultRow(reader);
                    sums.Add((row.Number(reader.FieldCount - 1), stored(Sum(row, 0, columns), row)));
                }
            }
            foreach (var (row, sum) in sums) connection.Run($"UPDATE {table} SET checksum = $1 WHERE rowid = $0", row, sum);
        }
    }

    private static JournalUnusableException Unusable(string what) => new($"the journal's file is damaged: {what}");

    private List<string> Problems()
    {
        var problems = new List<string>();
        using var reader = connection.Prepared($"PRAGMA integrity_check({MostProblems})").ExecuteReader();
        while (reader.Read())
            if (reader.GetString(0) is var line && line != "ok") problems.Add(line);
        if (problems.Count >= MostProblems) throw Unusable($"{problems[0]}, and {MostProblems - 1} more");
        return problems;
    }

    // Messages of SQLite's integrity_check (sqlite.org/pragma.html): an index that does not match its table, and values that a
    // column forbids.
    private static bool IsOfIndex(string problem) =>
        problem.StartsWith("row ", StringComparison.Ordinal)
            || problem.StartsWith("wrong # of entries in index", StringComparison.Ordinal)
        || problem.StartsWith("non-unique entry in index", StringComparison.Ordinal);

    private static bool IsOfRow(string problem) =>
        problem.StartsWith("NULL value in ", StringComparison.Ordinal)
            || problem.Contains(" value in ", StringComparison.Ordinal);

    private void VerifyRows()
    {
        using var reader = connection.Prepared($"SELECT {EventColumns} FROM {events} NOT INDEXED").ExecuteReader();
        while (reader.Read())
            if (new ResultRow(reader) is var row && !IsIntact(row))
                Add(Name(row, 1), $"row {row.Number(0)} does not match its checksum");
    }

    /// <param name="owner">The row's persistence id; null if it has none: then the file as a whole is damaged.</param>
    private void VerifySmall(string select, Func<ResultRow, string?> owner)
    {
        using var reader = connection.Prepared(select).ExecuteReader();
        while (reader.Read())
        {
            var row = new ResultRow(reader);
            if (row.Type(0) == raw.SQLITE_INTEGER && row.Number(0) == Sum(row, 1, reader.FieldCount - 1)) continue;
            if (owner(row) is not { } id)
                throw Unusable($"a row of {select[(select.LastIndexOf(' ') + 1)..]} does not match its checksum");
            Add(id, "its highest number does not match its checksum");
        }
    }

    /// <summary>Checks that the last assigned offset is not below an existing one, and within the epoch.</summary>
    private void VerifyCounter()
    {
        var given = connection.Number("SELECT seq FROM sqlite_sequence WHERE name = $0", events);
        var last = connection.Number($"SELECT max(ordering) FROM {events}") ?? 0;
        var epoch = connection.Number("SELECT max(first) FROM journal_epochs WHERE events = $0", events);
        if ((given ?? 0) < last
            || (epoch is { } first && (given is null || given < first - 1 || given - first >= BootEpoch.Size)))
            throw Unusable($"the last assigned number is {given}, which is impossible: the highest existing one is {last}");
    }

    private void CompareWithIndex()
    {
        var index = Text($"SELECT name FROM pragma_index_list('{events}') WHERE origin = 'u'")
            ?? throw Unusable($"{events} has no index");
        var rows = new Dictionary<long, (string Id, long Number)>();
        using (var table = connection.Prepared($"SELECT ordering, persistence_id, sequence_nr FROM {events} NOT INDEXED")
            .ExecuteReader())
            while (table.Read()) rows[table.GetInt64(0)] = (Name(new ResultRow(table), 1), table.GetInt64(2));
        var keys = rows.Values.ToHashSet();
        using var kept = connection.Prepared(
            $"SELECT ordering, persistence_id, sequence_nr FROM {events} INDEXED BY {index} ORDER BY persistence_id, sequence_nr")
            .ExecuteReader();
        while (kept.Read())
        {
            var (place, entry) = (kept.GetInt64(0), (Id: Name(new ResultRow(kept), 1), Number: kept.GetInt64(2)));
            // An entry of an existing event, or that points to an intact row, is itself damaged.
            if (keys.Contains(entry) || (rows.TryGetValue(place, out var row) && !Damaged.ContainsKey(row.Id))) continue;
            Add(entry.Id, $"event {entry.Number}, row {place}, is lost or damaged");
        }
    }

    private void Add(string persistenceId, string reason) => Damaged.TryAdd(persistenceId, reason);

    private string? Text(string sql) => connection.Prepared(sql).ExecuteScalar() as string;

    private static string Name(ResultRow row, int column) => Encoding.UTF8.GetString(row.Bytes(column));
}
