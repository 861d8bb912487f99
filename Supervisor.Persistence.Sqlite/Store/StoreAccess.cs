namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>
/// One plugin's access to a file: the thread may be shared; the table, the settings and the errors are the plugin's own.
/// </summary>
/// <param name="thread">Null if the settings are invalid.</param>
internal sealed class StoreAccess(StoreThread? thread, StoreSettings settings, IStoreTable table) : IDisposable
{
    /// <summary>For tests and benchmarks.</summary>
    public StoreThread? Thread => thread;

    /// <summary>The database.</summary>
    public string File => settings.File;

    /// <inheritdoc cref="StoreThread.Do{T}(Func{string}, Durability, Func{StoreConnection, T}, CancellationToken)"/>
    public Task<T> Do<T>(
        Func<string> doing, Durability durability, Func<StoreConnection, T> work, CancellationToken cancellation) =>
        thread is null
            ? Task.FromException<T>(settings.Problem!)
            : thread.Do(new StoreRequest<T>(settings, table, doing, durability, work), cancellation);

    /// <summary>Closes the file if no other plugin uses it.</summary>
    public void Dispose() => thread?.Dispose();
}
