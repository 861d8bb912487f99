using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Host.Daemon;

/// <summary>
/// The daemon's directories. Whose they are and who may enter is read, and changed, through a descriptor that no symbolic link
/// led to:
/// a link that is planted in the place of a directory of ours would make us write where it leads.
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
    /// Makes the directory, with what is missing above it, 0700. One that is there becomes that, if it is ours.
    /// </summary>
    /// <param name="contents">What is in a directory of ours: one without any of these, and not empty, is somebody
    /// else's.</param>
    /// <param name="groupMayPass">Whether 0710 is left as it is: the group of a socket in it.</param>
    /// <exception cref="DaemonStartException">It cannot be made, is a link, another user's, or others may enter and it is not
    /// ours to narrow.</exception>
    public static void Claim(string path, ReadOnlySpan<string> contents, bool groupMayPass = false)
    {
        using var directory = Open(path);
        var mode = OwnMode(directory, path);
        if ((mode & Others) == 0 || (groupMayPass && mode == GroupMayPass)) return;
        // a file system of its own is as good as an empty directory
        var there = FileCalls.List(directory).FindAll(n => n != "lost+found");
        if (there.Count > 0 && !there.Exists(new HashSet<string>([.. contents], StringComparer.Ordinal).Contains))
            throw new DaemonStartException(
                $"{path}: others may enter it (mode {Octal(mode)}), and it holds files that are not the daemon's: chmod 0700 "
                    + $"{path}, or name another directory");
        Do(path, () => PrivateFiles.ChangeMode(directory, Owner, path));
    }

    /// <summary>
    /// Makes the directory of a socket 0700. One that is there may let others pass, who meet the socket's own mode, but not
    /// write.
    /// </summary>
    /// <exception cref="DaemonStartException">It cannot be made, is a link or another user's, or others may write in
    /// it.</exception>
    public static void ClaimForSocket(string path)
    {
        using var directory = Open(path);
        if ((OwnMode(directory, path) & OthersMayWrite) != 0)
            throw new DaemonStartException(
                $"{path}: others may write in it, which would let them replace what is ours: chmod go-w {path}, or name "
                + "another directory");
    }

    /// <summary>
    /// Lets a group pass through a directory that only its owner may enter. One that others may enter anyway is not changed.
    /// </summary>
    public static void LetPass(string path, uint group)
    {
        using var directory = Open(path);
        var mode = OwnMode(directory, path);
        if ((mode & 1) != 0) return; // o+x: a directory that is not ours alone, such as /run
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
                $"{path}: belongs to user {status.Uid}, not to user {geteuid()}, who runs the daemon: name another directory, "
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
            throw new DaemonStartException($"{path}: is a symbolic link, or no directory: name the directory itself", e);
        }
        catch (SyscallException e)
        {
            throw new DaemonStartException($"{path}: {e.Operation}: {Marshal.GetPInvokeErrorMessage((int)e.Errno)}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DaemonStartException(
                $"{path}: cannot be made: "
                + $"{(e is FileNotFoundException ? "its file system makes no directories" : e.Message)}: name another directory",
                e);
        }
    }

    private static string Octal(uint mode) => "0" + Convert.ToString((int)mode, 8);
}
