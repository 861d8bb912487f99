namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>
/// A plugin's in-memory state of its tables. Called on the store's thread only, and only between <see cref="Opened"/> and the
/// end of that connection; <see cref="RolledBack"/> also when <see cref="Opened"/> failed.
/// </summary>
internal interface IStoreTable
{
    /// <summary>
    /// The file was opened: creates what is missing, and reads the state into memory, in transactions of its own.
    /// </summary>
    void Opened(StoreConnection connection);

    /// <summary>The transaction, perhaps with reads only, was committed; its requests are answered next.</summary>
    void Committed();

    /// <summary>The transaction was rolled back.</summary>
    void RolledBack();

    /// <summary>The queue is empty: does one short piece of deferred work, in a transaction of its own.</summary>
    /// <returns>Whether there is more of it.</returns>
    bool Tidy(StoreConnection connection);
}
