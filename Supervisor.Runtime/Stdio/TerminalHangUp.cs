using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Stdio;

/// <summary>Hangs a pseudo-terminal up: SIGHUP for its session, end of file for its readers. vhangup(2), ioctl_tty(2).</summary>
/// <remarks>To close the master is not enough: those who would go on in our place hold it, too.</remarks>
internal static class TerminalHangUp
{
    private const int TIOCGPTPEER = 0x5441, TIOCVHANGUP = 0x5437;

    /// <summary>
    /// Does nothing where that is not allowed (it takes CAP_SYS_ADMIN), or the terminal has no other side any more.
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
            // The process has ended meanwhile, and its terminal with it.
        }
    }
}
