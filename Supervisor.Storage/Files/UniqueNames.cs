namespace Supervisor.Storage.Files;

/// <summary>
/// Numbers for files and directories, each given once in the life of a root directory: what is about to be removed can never
/// be mistaken for what has just been made, so neither needs a lock against the other.
/// </summary>
public sealed class UniqueNames
{
    private long _last;

    /// <summary>Goes on after <paramref name="last"/>, the highest number ever recorded.</summary>
    public void After(long last)
    {
        for (var seen = Volatile.Read(ref _last); seen < last; seen = Volatile.Read(ref _last))
            if (Interlocked.CompareExchange(ref _last, last, seen) == seen) return;
    }

    /// <summary>The next number.</summary>
    public long Next() => Interlocked.Increment(ref _last);
}
