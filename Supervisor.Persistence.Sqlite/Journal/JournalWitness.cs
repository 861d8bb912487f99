using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Supervisor.Persistence.Sqlite.Store;

namespace Supervisor.Persistence.Sqlite.Journal;

/// <summary>
/// A file apart from the database, which says how far it was written in this boot. A database that does not reach so far, or is
/// not the
/// same, was lost, emptied, exchanged, restored from a backup, or has lost its write-ahead log: of what is missing in it nothing
/// is known.
/// </summary>
/// <remarks>
/// Written after each commit and not synced: it lags behind at worst, by what was committed in the moment of our death. After
/// another
/// boot it says nothing, since a loss of power takes back what was not synced.
/// </remarks>
internal sealed class JournalWitness(string path, string events, string bootId) : IDisposable
{
    private SafeFileHandle? _file;
    private string _epoch = "";

    /// <summary>Compares, and goes on from what the database says. After its epoch was entered.</summary>
    /// <exception cref="JournalUnusableException">The database is not the one that was written last.</exception>
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

    /// <summary>Up to here it is committed.</summary>
    public void Write(long given)
    {
        try
        {
            // A line of one length: no remainder of a longer one is left behind it.
            if (_file is not null)
                RandomAccess.Write(_file,
                Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_epoch} {given:d19}\n")), 0);
        }
        catch (IOException)
        {
            // No room for it: it lags behind, which is harmless, and the commit counts.
        }
    }

    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
    }
}
