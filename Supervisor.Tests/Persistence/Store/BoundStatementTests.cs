using Microsoft.Data.Sqlite;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Tests.Persistence.Store;

/// <summary>Bound values are stored unchanged: they are read back by the provider, which takes no part in binding them.</summary>
public sealed class BoundStatementTests : IDisposable
{
    private readonly SqliteConnection _connection = new("Data Source=:memory:");

    public BoundStatementTests()
    {
        _connection.Open();
        Command("CREATE TABLE rows (value NOT NULL UNIQUE)").ExecuteNonQuery();
    }

    public void Dispose() => _connection.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("container-1")]
    [InlineData("before\0after")]
    [InlineData("ü😀")]
    [InlineData(300)]
    public void A_text_is_stored_whole(object text)
    {
        var written = text is int length ? new string('ü', length) : (string)text;
        using (var insert = Insert()) insert.Bind(written).Run();
        Assert.Equal(("text", (object)written), Stored());
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0, 255, 0 })]
    public void A_blob_is_stored_whole_even_if_empty(byte[] blob)
    {
        using (var insert = Insert()) insert.Bind(blob).Run();
        var (type, value) = Stored();
        Assert.Equal("blob", type);
        Assert.Equal(blob, value);
    }

    [Fact]
    public void A_statement_that_failed_can_run_again()
    {
        using var insert = Insert();
        insert.Bind(1).Run();
        Assert.Equal(19, Assert.Throws<SqliteException>(() => insert.Bind(1).Run()).SqliteErrorCode); // SQLITE_CONSTRAINT
        Assert.Equal(19, Assert.Throws<SqliteException>(() => insert.Bind((string?)null).Run()).SqliteErrorCode);
        insert.Bind(2).Run();
        Assert.Equal(2L, Command("SELECT count(*) FROM rows").ExecuteScalar());
    }

    private BoundStatement Insert() => new(_connection.Handle!, "INSERT INTO rows VALUES ($0)");

    private (string Type, object Value) Stored()
    {
        using var reader = Command("SELECT typeof(value), value FROM rows").ExecuteReader();
        Assert.True(reader.Read());
        return (reader.GetString(0), reader.GetValue(1));
    }

    private SqliteCommand Command(string sql) => new(sql, _connection);
}
