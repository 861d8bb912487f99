using Supervisor.Kernel.Abi;

namespace Supervisor.Runtime.Launch;

/// <summary>A step between a child's clone and its exec failed. The child is gone.</summary>
public sealed class LaunchException : IOException
{
    /// <param name="step">The step, e.g. <c>move_mount "/proc"</c>.</param>
    /// <param name="errno">Why it failed; <see cref="Errno.None"/> where the child died or hung there without an error of its
    /// own.</param>
    /// <param name="reason">Text for the message where there is no errno.</param>
    /// <param name="number">Number of the step, from 1; 0 where that is not known.</param>
    /// <param name="count">Number of steps.</param>
    public LaunchException(string step, Errno errno, string reason, int number, int count)
        : this(step, errno, $"{step}: {(errno is Errno.None ? reason : $"{Wording.Of(errno)} ({errno})")}")
    {
        if (number > 0) Place = $"step {number} of {count}";
    }

    /// <summary>With the message of another process of ours.</summary>
    internal LaunchException(string step, Errno errno, string message) : base(message) => (Step, Errno) = (step, errno);

    /// <summary>The step that failed.</summary>
    public string Step { get; }

    /// <summary>The step's place in the launch program, for debugging; null where that is not known.</summary>
    public string? Place { get; }

    /// <summary>Why it failed.</summary>
    public Errno Errno { get; }

    /// <summary>The words that clients match on: docker derives 126 and 127 from them.</summary>
    private static class Wording
    {
        public static string Of(Errno errno) => errno switch
        {
            Errno.ENOENT => "no such file or directory",
            Errno.EACCES => "permission denied",
            Errno.EPERM => "operation not permitted",
            Errno.ENOTDIR => "not a directory",
            Errno.ENOEXEC => "exec format error",
            Errno.ENOSPC => "no space left on device",
            Errno.EINVAL => "invalid argument",
            Errno.EROFS => "read-only file system",
            Errno.ENOMEM => "not enough memory",
            _ => "failed",
        };
    }
}
