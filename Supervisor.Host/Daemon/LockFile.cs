using System.Diagnostics;
using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Host.Daemon;

/// <summary>Held while a daemon runs; the kernel releases it however the daemon exits. flock(2).</summary>
internal sealed class LockFile : IDisposable
{
    /// <summary>
    /// A killed daemon's lock may still be held by a child that it had just cloned, until that child calls execve.
    /// </summary>
    private static readonly TimeSpan FreeWithin = TimeSpan.FromSeconds(2), Between = TimeSpan.FromMilliseconds(20);

    private readonly Fd _file;

    private LockFile(Fd file) => _file = file;

    /// <exception cref="DaemonStartException">Another daemon holds it for more than two seconds; <paramref name="shared"/>
    /// names what two daemons would have shared.</exception>
    public static LockFile Take(string path, string shared)
    {
        // Not File.OpenHandle: it emulates sharing with a flock of its own, which would conflict with this one.
        var file = Open(path);
        for (var began = Stopwatch.GetTimestamp(); ; Thread.Sleep(Between))
        {
            if (Native.flock(file.Number, Native.LOCK_EX | Native.LOCK_NB) == 0)
            {
                if (PrivateFiles.IsAt(path, file)) return new LockFile(file);
                file.Dispose(); // its holder has removed it: a lock on an unlinked file excludes no one
                file = Open(path);
            }
            if (Stopwatch.GetElapsedTime(began) > FreeWithin) break;
        }
        file.Dispose();
        throw new DaemonStartException($"{path}: is locked: another daemon uses {shared}; stop it, or give this one another");
    }

    private static Fd Open(string path)
    {
        try
        {
            return PrivateFiles.Claim(path);
        }
        catch (SyscallException e) when (e.Errno is Errno.ELOOP)
        {
            throw new DaemonStartException($"{path}: is a symbolic link, perhaps planted by another user: remove it", e);
        }
        catch (SyscallException e)
        {
            throw new DaemonStartException($"{path}: open: {Marshal.GetPInvokeErrorMessage((int)e.Errno)}", e);
        }
        catch (IOException e)
        {
            throw new DaemonStartException(e.Message, e);
        }
    }

    /// <remarks>
    /// Unlocked explicitly, not only by close: a child that was just cloned may still hold a copy of the descriptor.
    /// </remarks>
    public void Dispose()
    {
        _ = Native.flock(_file.Number, Native.LOCK_UN);
        _file.Dispose();
    }
}
