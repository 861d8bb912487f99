using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>
/// A statement's current row, read without the provider, whose getters took most of the time of a replay. Valid until the
/// reader moves on or is closed. sqlite.org/c3ref/column_blob.html
/// </summary>
internal readonly unsafe partial struct ResultRow(SqliteDataReader reader)
{
    private readonly nint _statement = reader.Handle!.DangerousGetHandle();

    /// <summary>One of SQLITE_INTEGER, SQLITE_TEXT, SQLITE_BLOB, SQLITE_FLOAT and SQLITE_NULL, as stored.</summary>
    public int Type(int column) => sqlite3_column_type(_statement, column);

    public bool IsNull(int column) => Type(column) == raw.SQLITE_NULL;

    /// <summary>0 for NULL.</summary>
    public long Number(int column) => sqlite3_column_int64(_statement, column);

    /// <summary>A text's UTF-8, or a blob's bytes; empty for NULL.</summary>
    public ReadOnlySpan<byte> Bytes(int column)
    {
        // In this order: the first may change the representation, the second returns its length then.
        var start = sqlite3_column_blob(_statement, column);
        return new(start, sqlite3_column_bytes(_statement, column));
    }

    // None of these blocks or calls back: the step has fetched the row.
    [LibraryImport("e_sqlite3"), SuppressGCTransition, UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int sqlite3_column_type(nint statement, int column);

    [LibraryImport("e_sqlite3"), SuppressGCTransition, UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial long sqlite3_column_int64(nint statement, int column);

    [LibraryImport("e_sqlite3"), SuppressGCTransition, UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial void* sqlite3_column_blob(nint statement, int column);

    [LibraryImport("e_sqlite3"), SuppressGCTransition, UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial int sqlite3_column_bytes(nint statement, int column);
}
