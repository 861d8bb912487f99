using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>Hangs a pseudo-terminal up: SIGHUP for its session, end of file for its readers. vhangup(2), ioctl_tty(2).</summary>
/// <remarks>Closing the master is not enough: the daemon and the shim both hold it.</remarks>
internal static class TerminalHangUp
{
    private const int TIOCGPTPEER = 0x5441, TIOCVHANGUP = 0x5437;

    /// <summary>
    /// Does nothing without CAP_SYS_ADMIN, or where the terminal has no other side any more.
    /// </summary>
    public static void Of(Fd master)
    {
        try
        {
            var number = ioctl(master.Number, TIOCGPTPEER, (int)(OpenFlags.O_RDWR | OpenFlags.O_NOCTTY | OpenFlags.O_CLOEXEC)
                .ToKernel());
            if (number < 0) return;
            using var slave = new Fd(number);
            _ = ioctl(slave.Number, TIOCVHANGUP);
        }
        catch (ObjectDisposedException)
        {
            // The process exited meanwhile, and its terminal is gone.
        }
    }
}
