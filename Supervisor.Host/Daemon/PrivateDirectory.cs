using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Host.Daemon;

/// <summary>
/// The daemon's directories. Owner and mode are read and changed through a descriptor opened without following symbolic links:
/// a link planted in place of a directory would redirect our writes.
/// </summary>
internal static class PrivateDirectory
{
    private const uint Owner = 0x1c0, GroupMayPass = 0x1c8, Others = 0x3f, OthersMayWrite = 0x12; // 0700, 0710, 0077, 0022

    /// <summary>What a daemon's root directory holds.</summary>
    public static readonly string[] OfRoot = ["uuid", "lock", "journal.db"];

    /// <summary>What a daemon's state directory holds.</summary>
    public static readonly string[] OfState =
        ["root-uuid", "state.lock", "bundles", "shim", "shims", "fifo", "embedded", "roots", "supervisor.sock",
        "supervisor.sock.lock"];

    /// <summary>
    /// Creates the directory and its missing parents with mode 0700. An existing one gets that mode, if it is ours.
    /// </summary>
    /// <param name="contents">Names in a directory of ours: one that has none of them and is not empty belongs to another
    /// program.</param>
    /// <param name="groupMayPass">Whether 0710 is kept: for the group of a socket in it.</param>
    /// <exception cref="DaemonStartException">It cannot be created, is a link or another user's, or others may enter it and it
    /// is not ours to change.</exception>
    public static void Claim(string path, ReadOnlySpan<string> contents, bool groupMayPass = false)
    {
        using var directory = Open(path);
        var mode = OwnMode(directory, path);
        if ((mode & Others) == 0 || (groupMayPass && mode == GroupMayPass)) return;
        // a new file system counts as an empty directory
        var there = FileCalls.List(directory).FindAll(n => n != "lost+found");
        if (there.Count > 0 && !there.Exists(new HashSet<string>([.. contents], StringComparer.Ordinal).Contains))
            throw new DaemonStartException(
                $"{path}: others may enter it (mode {Octal(mode)}), and it holds files that are not the daemon's: chmod 0700 "
                    + $"{path}, or name another directory");
        Do(path, () => PrivateFiles.ChangeMode(directory, Owner, path));
    }

    /// <summary>
    /// Creates the directory of a socket with mode 0700. An existing one may let others pass, since the socket has its own
    /// mode, but not write.
    /// </summary>
    /// <exception cref="DaemonStartException">It cannot be created, is a link or another user's, or others may write in
    /// it.</exception>
    public static void ClaimForSocket(string path)
    {
        using var directory = Open(path);
        if ((OwnMode(directory, path) & OthersMayWrite) != 0)
            throw new DaemonStartException(
                $"{path}: others may write in it, and so could replace the daemon's files: chmod go-w {path}, or name "
                + "another directory");
    }

    /// <summary>
    /// Lets a group pass through a directory that only its owner may enter. One that others may enter is not changed.
    /// </summary>
    public static void AllowTraversal(string path, uint group)
    {
        using var directory = Open(path);
        var mode = OwnMode(directory, path);
        if ((mode & 1) != 0) return; // o+x: a shared directory, such as /run
        Do(path, () =>
        {
            if (fchown(directory.Number, uint.MaxValue, group) != 0) throw new SyscallException("fchown", Errno.Last, path);
            PrivateFiles.ChangeMode(directory, mode & Owner | 0x8, path);
        });
    }

    private static Fd Open(string path)
    {
        path = Path.TrimEndingDirectorySeparator(path); // open(2) follows a link whose path ends with a slash
        return Do(path, () =>
        {
            PrivateFiles.MakeDirectory(path);
            return Fd.Open(path, OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW);
        });
    }

    /// <summary>The permission bits.</summary>
    private static uint OwnMode(Fd directory, string path)
    {
        var status = FileCalls.Status(directory);
        return status.Uid == geteuid()
            ? status.Mode
            : throw new DaemonStartException(
                $"{path}: is owned by user {status.Uid}, not by user {geteuid()}, who runs the daemon: name another directory, "
                + "or chown it");
    }

    private static void Do(string path, Action what) => Do(path, () =>
    {
        what();
        return 0;
    });

    private static T Do<T>(string path, Func<T> what)
    {
        try
        {
            return what();
        }
        catch (SyscallException e) when (e.Errno is Errno.ELOOP or Errno.ENOTDIR)
        {
            throw new DaemonStartException($"{path}: is a symbolic link, or not a directory: name the directory itself", e);
        }
        catch (SyscallException e)
        {
            throw new DaemonStartException($"{path}: {e.Operation}: {Marshal.GetPInvokeErrorMessage((int)e.Errno)}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DaemonStartException(
                $"{path}: cannot be created: "
                + $"{(e is FileNotFoundException ? "no mkdir on its file system" : e.Message)}: name another directory",
                e);
        }
    }

    private static string Octal(uint mode) => "0" + Convert.ToString((int)mode, 8);
}
