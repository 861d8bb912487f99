namespace Supervisor.Storage.Files;

/// <summary>
/// Numbers for files and directories, never reused in a root directory: a file to be removed can never be
/// mistaken for a new one, so removal and creation need no common lock.
/// </summary>
public sealed class UniqueNames
{
    private long _last;

    /// <summary>Continues after <paramref name="last"/>, the highest number ever recorded.</summary>
    public void After(long last)
    {
        for (var seen = Volatile.Read(ref _last); seen < last; seen = Volatile.Read(ref _last))
            if (Interlocked.CompareExchange(ref _last, last, seen) == seen) return;
    }

    /// <summary>The next number.</summary>
    public long Next() => Interlocked.Increment(ref _last);
}
