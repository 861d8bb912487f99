namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>
/// What a plugin keeps in step with its tables. Called on the store's thread only, and only between <see cref="Opened"/> and the
/// end of that connection; <see cref="RolledBack"/> also when <see cref="Opened"/> failed.
/// </summary>
internal interface IStoreTable
{
    /// <summary>
    /// The file was opened: creates what is missing, and reads what this keeps in memory. Its own transactions.
    /// </summary>
    void Opened(StoreConnection connection);

    /// <summary>The transaction is committed, which may have held reads only; the requests in it are answered next.</summary>
    void Committed();

    /// <summary>The transaction is undone.</summary>
    void RolledBack();

    /// <summary>Nothing waits: does one short piece of work that can be put off, in a transaction of its own.</summary>
    /// <returns>Whether there is more of it.</returns>
    bool Tidy(StoreConnection connection);
}
