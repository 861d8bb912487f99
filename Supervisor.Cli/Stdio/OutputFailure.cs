using System.Runtime.InteropServices;
using Supervisor.Cli.Errors;
using Supervisor.Kernel.Abi;

namespace Supervisor.Cli.Stdio;

/// <summary>The error if our own output cannot be written.</summary>
internal static class OutputFailure
{
    /// <param name="stream">1 or 2.</param>
    /// <returns>Null if its reader is gone, as after <c>head</c>: EPIPE for a pipe, EIO for a terminal.</returns>
    public static CliException? Of(Errno errno, int stream) => errno is Errno.EPIPE or Errno.EIO
        ? null
        : new CliException(
            $"cannot write to standard {(stream == 2 ? "error" : "output")}: {Marshal.GetPInvokeErrorMessage((int)errno)} "
                + $"({errno}){(errno is Errno.ENOSPC or Errno.EDQUOT ? ": free some space there" : "")}",
            ExitCodes.OwnStreams);
}
