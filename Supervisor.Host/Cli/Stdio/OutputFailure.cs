using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;

namespace Supervisor.Host.Cli.Stdio;

/// <summary>Our own output takes nothing more.</summary>
internal static class OutputFailure
{
    /// <param name="stream">1 or 2.</param>
    /// <returns>Null where its reader has gone, as <c>head</c> goes: a pipe's is EPIPE, a terminal's EIO.</returns>
    public static CliException? Of(Errno errno, int stream) => errno is Errno.EPIPE or Errno.EIO
        ? null
        : new CliException(
            $"cannot write to standard {(stream == 2 ? "error" : "output")}: {Marshal.GetPInvokeErrorMessage((int)errno)} "
                + $"({errno}){(errno is Errno.ENOSPC or Errno.EDQUOT ? ": make room where it goes" : "")}",
            ExitCodes.OwnStreams);
}
