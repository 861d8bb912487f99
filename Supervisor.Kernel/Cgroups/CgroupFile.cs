using System.Globalization;
using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Kernel.Cgroups;

/// <summary>Control files and directories. One value is one write(2); a text is read whole.</summary>
internal static unsafe class CgroupFile
{
    /// <summary>The text; null when the file or its cgroup is gone, or the file does not support reading.</summary>
    public static string? TryRead(string path)
    {
        try
        {
            using var fd = Fd.TryOpen(path, OpenFlags.O_RDONLY);
            return fd is null ? null : KernelFile.ReadAll(fd, path);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENODEV or Errno.EOPNOTSUPP or Errno.ENOTDIR)
        {
            return null; // removed between open and read; or cgroup.procs of a threaded cgroup
        }
    }

    /// <summary>The one value of a file in an open directory; null when either is gone.</summary>
    public static string? TryReadValue(Fd directory, string file)
    {
        if (TryOpen(directory, file, OpenFlags.O_RDONLY, out var fd) is not Errno.None) return null;
        using (fd) return ValueOf(fd!, file);
    }

    /// <summary>The one value of a file; null when it is gone.</summary>
    public static string? TryReadValue(string path)
    {
        try
        {
            using var fd = Fd.TryOpen(path, OpenFlags.O_RDONLY);
            return fd is null ? null : ValueOf(fd, path);
        }
        catch (SyscallException e) when (e.Errno is Errno.ENODEV or Errno.ENOTDIR)
        {
            return null;
        }
    }

    private static string? ValueOf(Fd fd, string name)
    {
        try { return KernelFile.ReadValue(fd, name); }
        catch (SyscallException e) when (e.Errno is Errno.ENODEV or Errno.EOPNOTSUPP) { return null; } // removed after the open
    }

    /// <summary>As <see cref="Fd.Open"/>.</summary>
    /// <returns><see cref="Errno.None"/>, or why not.</returns>
    public static Errno TryOpen(string path, OpenFlags flags, out Fd? opened)
    {
        try
        {
            opened = Fd.Open(path, flags);
            return Errno.None;
        }
        catch (SyscallException e)
        {
            opened = null;
            return e.Errno;
        }
    }

    /// <summary>Opens a file or directory in an open directory. openat(2).</summary>
    /// <returns><see cref="Errno.None"/>, or why not.</returns>
    public static Errno TryOpen(Fd directory, string name, OpenFlags flags, out Fd? opened)
    {
        using var held = new HeldHandle(directory);
        fixed (byte* text = CString.Of(name))
        {
            while (true)
            {
                var fd = openat(held.Number, text, (flags | OpenFlags.O_CLOEXEC).ToKernel());
                opened = fd >= 0 ? new Fd(fd) : null;
                if (fd >= 0) return Errno.None;
                if (Errno.Last is not Errno.EINTR) return Errno.Last;
            }
        }
    }

    /// <summary>One number; null where the file is missing. "max" is <see cref="ulong.MaxValue"/>.</summary>
    public static ulong? TryReadNumber(string path) => TryReadValue(path) switch
    {
        "max" => ulong.MaxValue,
        { } text when ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    public static bool Exists(string path) => File.Exists(path);

    /// <exception cref="CgroupException">The kernel refused.</exception>
    public static void Write(string directory, string file, string value)
    {
        if (TryWrite(directory, file, value) is not Errno.None and var errno)
            throw new CgroupException(directory + "/" + file, value, errno, Advice(file, errno));
    }

    /// <summary>Writes several values to one file, one after the other.</summary>
    /// <exception cref="CgroupException">The kernel refused one.</exception>
    public static void WriteAll(string directory, string file, IEnumerable<string> values)
    {
        var opening = TryOpen(directory + "/" + file, OpenFlags.O_WRONLY, out var fd);
        using (fd)
            foreach (var value in values)
                if ((fd is null ? opening : TryWrite(fd, value)) is not Errno.None and var errno)
                    throw new CgroupException(directory + "/" + file, value, errno, Advice(file, errno));
    }

    /// <returns><see cref="Errno.None"/>, or why not.</returns>
    public static Errno TryWrite(string directory, string file, string value)
    {
        try
        {
            using var fd = Fd.Open(directory + "/" + file, OpenFlags.O_WRONLY);
            return TryWrite(fd, value);
        }
        catch (SyscallException e)
        {
            return e.Errno;
        }
    }

    /// <summary>As <see cref="TryWrite(string, string, string)"/>, to a file in an open directory.</summary>
    public static Errno TryWrite(Fd directory, string file, string value)
    {
        if (TryOpen(directory, file, OpenFlags.O_WRONLY, out var fd) is not Errno.None and var errno) return errno;
        using (fd) return TryWrite(fd!, value);
    }

    /// <returns><see cref="Errno.None"/>, or why not.</returns>
    public static Errno TryWrite(Fd fd, string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        using var held = new HeldHandle(fd);
        fixed (byte* start = bytes)
        {
            while (write(held.Number, start, bytes.Length) < 0)
                if (Errno.Last is not Errno.EINTR) return Errno.Last;
        }
        return Errno.None;
    }

    /// <returns><see cref="Errno.None"/>, or why not: EEXIST, ENOENT…</returns>
    public static Errno TryMakeDirectory(Fd parent, string name)
    {
        using var held = new HeldHandle(parent);
        fixed (byte* text = CString.Of(name))
            return mkdirat(held.Number, text, 0b111_101_101) == 0 ? Errno.None : Errno.Last;
    }

    /// <returns><see cref="Errno.None"/>, also when it was gone already; or why not: EBUSY, ENOTEMPTY…</returns>
    public static Errno TryRemoveDirectory(string path)
    {
        fixed (byte* text = CString.Of(path))
            return rmdir(text) == 0 || Errno.Last is Errno.ENOENT or Errno.ENODEV ? Errno.None : Errno.Last;
    }

    /// <inheritdoc cref="TryRemoveDirectory(string)"/>
    public static Errno TryRemoveDirectory(Fd parent, string name)
    {
        using var held = new HeldHandle(parent);
        fixed (byte* text = CString.Of(name))
            return unlinkat(held.Number, text, AT_REMOVEDIR) == 0 || Errno.Last is Errno.ENOENT or Errno.ENODEV
                ? Errno.None : Errno.Last;
    }

    private static string? Advice(string file, Errno errno) => errno switch
    {
        Errno.ENOENT => "this kernel or hierarchy has no such control file",
        Errno.EBUSY when file is "cgroup.subtree_control" =>
            "a cgroup with processes cannot delegate controllers: use a sibling cgroup",
        Errno.EACCES or Errno.EPERM or Errno.EROFS => "no permission to change this cgroup",
        _ => null,
    };
}
