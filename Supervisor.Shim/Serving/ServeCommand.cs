using System.Globalization;
using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;

namespace Supervisor.Shim.Serving;

/// <summary><c>serve</c>: in the foreground, until no process is left to serve.</summary>
internal static class ServeCommand
{
    public static int Run(string[] args)
    {
        string? directory = null;
        Fd? state = null;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--dir" when i + 1 < args.Length: directory = Path.GetFullPath(args[++i]); break;
                case "--resume" when i + 1 < args.Length
                    && int.TryParse(args[++i], out var number): state = new Fd(number); break;
                case var other: throw new UsageException($"serve: \"{other}\" is an unknown flag, or lacks its value");
            }
        }
        if (directory is null) throw new UsageException("serve: --dir is missing");
        if (!Directory.Exists(directory))
            throw new UsageException($"serve: --dir: {directory}: no such directory, or it is not yours to see");
        if ((File.GetUnixFileMode(directory) & ~(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)) != 0)
            throw new UsageException($"serve: --dir: {directory} must have mode 0700: others may use it");
        // The kernel releases the lock however we exit;
        // after an exec we lock again, and a shim that took the lock in between finds us listening and exits.
        using var single = OpenLock(directory);
        if (Native.flock(single.Number, Native.LOCK_EX | Native.LOCK_NB) != 0 && state is null)
        {
            Log($"another shim serves {directory}: exiting");
            return 0;
        }
        DescriptorLimit.Raise();
        using var server = new ShimServer(directory, state, Log);
        RunUntilDone(server.Done, server.RequestExit);
        File.Delete(Path.Join(directory, "s"));
        return 0;
    }

    /// <summary>Returns when nothing is left to serve. A signal asks for that, and does not end us.</summary>
    internal static void RunUntilDone(Task done, Action<string> requestExit)
    {
        PosixSignalRegistration[] signals =
            [.. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP }.Select(
            s => PosixSignalRegistration.Create(s, context =>
        {
            context.Cancel = true;
            requestExit($"{context.Signal}");
        }))];
        done.GetAwaiter().GetResult();
        foreach (var signal in signals) signal.Dispose();
    }

    /// <summary>One shim per directory: two would replace each other's socket and file.</summary>
    internal static Fd OpenLock(string directory)
    {
        try
        {
            return Fd.Open(Path.Join(directory, "lock"), OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0x180 /* 0600 */);
        }
        catch (SyscallException e) when (e.Errno is Errno.EACCES or Errno.EPERM)
        {
            throw new UsageException($"serve: --dir: {directory} is another user's ({e.Errno}): its owner's daemon serves it");
        }
    }

    internal static void Log(string message) =>
        Console.Error.WriteLine(
            $"{DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)} shim "
            + $"{Environment.ProcessId}: {message}");
}
