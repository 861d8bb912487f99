using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// A file apart from the database, with the last offset written in this boot. A database that ends before it, or is another
/// one, was lost, emptied, replaced, restored from a backup, or has lost its write-ahead log: what is missing is unknown.
/// </summary>
/// <remarks>
/// Written after each commit and not synced: at worst it lacks the last commits before we were killed. After another
/// boot it is ignored, since a power loss undoes what was not synced.
/// </remarks>
internal sealed class JournalWitness(string path, string events, string bootId) : IDisposable
{
    private SafeFileHandle? _file;
    private string _epoch = "";

    /// <summary>Compares it with the database, and continues from there. Called after the epoch was entered.</summary>
    /// <exception cref="JournalUnusableException">The database is not the last one written.</exception>
    public void Open(StoreConnection connection, string database, long given)
    {
        Dispose();
        var first = connection.Number("SELECT max(first) FROM journal_epochs WHERE events = $0", events);
        var opened = connection.Number("SELECT opened_at FROM journal_epochs WHERE events = $0 AND first = $1", events, first);
        _epoch = string.Create(CultureInfo.InvariantCulture, $"{bootId} {first} {opened}");
        var said = System.IO.File.Exists(path) ? System.IO.File.ReadAllText(path).Trim() : "";
        if (said.StartsWith(bootId + " ", StringComparison.Ordinal))
        {
            if (!said.StartsWith(_epoch + " ", StringComparison.Ordinal)
                || !long.TryParse(said[(_epoch.Length + 1)..], CultureInfo.InvariantCulture, out var last))
                throw new JournalUnusableException(
                    $"the journal \"{database}\" is not the one that was written last since the machine was started "
                    + $"(\"{path}\" says so)");
            if (given < last)
                throw new JournalUnusableException(
                    $"the journal \"{database}\" lacks its end: it reaches number {given}, and {last} was written since the "
                        + $"machine was started (\"{path}\" says so)");
        }
        _file = System.IO.File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        System.IO.File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Write(given);
    }

    /// <summary>Records the last committed offset.</summary>
    public void Write(long given)
    {
        try
        {
            // The line has a fixed length: nothing of a longer one remains.
            if (_file is not null)
                RandomAccess.Write(_file,
                Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_epoch} {given:d19}\n")), 0);
        }
        catch (IOException)
        {
            // The disk is full: it lags behind, which is harmless, and the commit is valid.
        }
    }

    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
    }
}
