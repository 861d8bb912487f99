using Microsoft.Data.Sqlite;

namespace Supervisor.Tests.Persistence;

/// <summary>A database of ours, read and changed by SQL while no plugin has it open.</summary>
internal static class Database
{
    public static SqliteConnection Open(string file)
    {
        var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        connection.Open();
        return connection;
    }

    public static T Scalar<T>(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (T)command.ExecuteScalar()!;
    }
}
