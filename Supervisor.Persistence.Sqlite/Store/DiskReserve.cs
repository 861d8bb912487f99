using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Supervisor.Persistence.Sqlite.Store;

/// <summary>
/// Disk space allocated ahead for a database and its write-ahead log: when others have filled the disk, the next writes still
/// have space. For one thread.
/// </summary>
/// <param name="database">Open for writing. It is not opened again here: closing another descriptor of it would release
/// SQLite's locks. fcntl(2).</param>
internal sealed partial class DiskReserve(SafeFileHandle database, string path) : IDisposable
{
    private const int FALLOC_FL_KEEP_SIZE = 1, ENOSPC = 28, EDQUOT = 122, LogPage = 4096 + 24;
    private SafeFileHandle? _log;

    /// <summary>Allocates what is missing.</summary>
    /// <param name="bytes">For each of the two files.</param>
    /// <param name="pagesAhead">Pages in the log, each with a header (sqlite.org/fileformat2.html#walformat).</param>
    /// <returns>False if the disk is full. On a file system that cannot allocate ahead it is never false.</returns>
    public bool TryFill(long bytes, int pagesAhead)
    {
        // The log is written from its start again after each checkpoint, the database grows at its end.
        _log ??= File.Exists(path + "-wal")
            ? File.OpenHandle(path + "-wal", FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete) : null;
        return TryAllocate(database, RandomAccess.GetLength(database), bytes)
            && (_log is null || TryAllocate(_log, 0, (pagesAhead + 1L) * LogPage + bytes));
    }

    public void Dispose() => _log?.Dispose();

    private bool TryAllocate(SafeFileHandle file, long from, long bytes) =>
        fallocate(file, FALLOC_FL_KEEP_SIZE, from, bytes) == 0 || Marshal.GetLastPInvokeError() is not (ENOSPC or EDQUOT);

    /// <summary>fallocate(2), with its 64-bit offsets.</summary>
    [LibraryImport("libc", SetLastError = true)]
    private static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);
}
