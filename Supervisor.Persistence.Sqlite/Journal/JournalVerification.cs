using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// Looks at the whole file when it is opened: at SQLite's structure, at each row's checksum, and at what the counters may be.
/// What is
/// wrong with rows is reported by whose they are; what is wrong with the structure makes the file unusable, for a write could
/// spread it.
/// </summary>
/// <remarks>
/// A row whose persistence id is damaged is reported for the id that it has now and for the one that the index has kept; a row
/// that the table
/// has lost, for the one that the index names.
/// </remarks>
internal sealed class JournalVerification(StoreConnection connection, string events, string metadata)
{
    private const int MostProblems = 100;

    /// <summary>What is wrong, by persistence id.</summary>
    public Dictionary<string, string> Damaged { get; } = new(StringComparer.Ordinal);

    /// <exception cref="JournalUnusableException">The structure is damaged.</exception>
    /// <returns>Whether an index was at fault, and is made again from rows that are as they were written.</returns>
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
            if (Damaged.Count > 0) return false; // an index made again would forget what the table has lost
            connection.Run("REINDEX");
            return true;
        }
        catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB)
        {
            throw Unusable(e.Message);
        }
    }

    /// <summary>
    /// The columns of an event: those that its checksum is of, in its order; the checksum; and <c>is_deleted</c>.
    /// </summary>
    public const string EventColumns =
        "ordering, persistence_id, sequence_nr, manifest, timestamp, payload, tags, serializer_id, previous, checksum, "
        + "is_deleted";

    private const int Summed = 9;

    /// <summary>The same statement for a file that lacks the columns of ours, and is only read.</summary>
    public static string WithoutChecksums(string sql) =>
        sql.Replace("previous, checksum", "NULL, NULL", StringComparison.Ordinal);

    /// <summary>
    /// Whether a row of <see cref="EventColumns"/> is as it was written. The checksum of a deleted one is stored as its
    /// complement.
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

    /// <summary>Of an event that is not deleted.</summary>
    public static long ChecksumOf(long ordering, NewRow row, long? previous) => new RowChecksum()
        .Add(ordering).Add(row.PersistenceId).Add(row.SequenceNr).Add(row.Manifest).Add(row.Timestamp).Add(row.Payload)
            .Add(row.Tags)
        .Add(row.Serializer).Add(previous).Value;

    /// <summary>Gives every row its checksum: of a file that has none, or was written by a version that knows of none.</summary>
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

    // The words of SQLite's integrity_check (sqlite.org/pragma.html): an index that does not fit its table, and values that a
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
                Add(Name(row, 1), $"row {row.Number(0)} is not as it was written");
    }

    /// <param name="owner">Whose row it is; null where it is of no actor: then the file as a whole is not what it was.</param>
    private void VerifySmall(string select, Func<ResultRow, string?> owner)
    {
        using var reader = connection.Prepared(select).ExecuteReader();
        while (reader.Read())
        {
            var row = new ResultRow(reader);
            if (row.Type(0) == raw.SQLITE_INTEGER && row.Number(0) == Sum(row, 1, reader.FieldCount - 1)) continue;
            if (owner(row) is not { } id)
                throw Unusable($"a row of {select[(select.LastIndexOf(' ') + 1)..]} is not as it was written");
            Add(id, "its highest number is not as it was written");
        }
    }

    /// <summary>The highest offset that was given is none below one that is there, and within the epoch.</summary>
    private void VerifyCounter()
    {
        var given = connection.Number("SELECT seq FROM sqlite_sequence WHERE name = $0", events);
        var last = connection.Number($"SELECT max(ordering) FROM {events}") ?? 0;
        var epoch = connection.Number("SELECT max(first) FROM journal_epochs WHERE events = $0", events);
        if ((given ?? 0) < last
            || (epoch is { } first && (given is null || given < first - 1 || given - first >= BootEpoch.Size)))
            throw Unusable($"the last number that was given is {given}, which cannot be: the highest that is there is {last}");
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
            // An entry of an event that is there, or that points at a row that is as it was written, is itself what is wrong.
            if (keys.Contains(entry) || (rows.TryGetValue(place, out var row) && !Damaged.ContainsKey(row.Id))) continue;
            Add(entry.Id, $"event {entry.Number}, row {place}, is lost or not as it was written");
        }
    }

    private void Add(string persistenceId, string reason) => Damaged.TryAdd(persistenceId, reason);

    private string? Text(string sql) => connection.Prepared(sql).ExecuteScalar() as string;

    private static string Name(ResultRow row, int column) => Encoding.UTF8.GetString(row.Bytes(column));
}
