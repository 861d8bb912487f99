using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>
/// A statement without a result whose parameters are bound directly, without the provider: for statements that run for each
/// event. sqlite.org/c3ref/bind_blob.html
/// </summary>
internal sealed class BoundStatement(sqlite3 database, string sql) : IDisposable
{
    private readonly sqlite3_stmt _statement = Prepare(database, sql);
    private int _bound;

    public BoundStatement Bind(long value)
    {
        Check(raw.sqlite3_bind_int64(_statement, ++_bound, value));
        return this;
    }

    public BoundStatement Bind(long? value) => value is { } number ? Bind(number) : Null();

    public BoundStatement Bind(string? value)
    {
        if (value is null) return Null();
        // With its length: otherwise a text would end at its first NUL.
        Span<byte> buffer = stackalloc byte[256];
        var fits = Encoding.UTF8.TryGetBytes(value, buffer, out var length);
        Check(raw.sqlite3_bind_text(_statement, ++_bound, fits ? buffer[..length] : Encoding.UTF8.GetBytes(value)));
        return this;
    }

    public BoundStatement Bind(byte[] value)
    {
        Check(raw.sqlite3_bind_blob(_statement, ++_bound, value));
        return this;
    }

    /// <summary>Runs it with the bound values, and resets it for the next ones.</summary>
    /// <exception cref="SqliteException">The statement failed.</exception>
    public void Run()
    {
        var result = raw.sqlite3_step(_statement);
        _bound = 0;
        raw.sqlite3_reset(_statement);
        if (result != raw.SQLITE_DONE) Check(result);
    }

    public void Dispose() => _statement.Dispose();

    private BoundStatement Null()
    {
        Check(raw.sqlite3_bind_null(_statement, ++_bound));
        return this;
    }

    private void Check(int result)
    {
        if (result == raw.SQLITE_OK) return;
        _bound = 0;
        SqliteException.ThrowExceptionForRC(result, database);
    }

    private static sqlite3_stmt Prepare(sqlite3 database, string sql)
    {
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(database, sql, out var statement), database);
        return statement;
    }
}
