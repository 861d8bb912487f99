using System.Runtime.InteropServices;
using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Rootfs;

namespace Supervisor.Runtime.Programs;

/// <summary>
/// Steps for a terminal: a pair from the container's own devpts, whose slave becomes standard streams, controlling terminal and
/// /dev/console, and whose master is sent to us.
/// </summary>
/// <remarks>
/// The slave is opened through the master (TIOCGPTPEER, Linux 4.13), never by a path that an image could have replaced
/// (CVE-2025-52565).
/// </remarks>
internal static class TerminalSteps
{
    private const long TIOCSCTTY = 0x540E, TIOCSWINSZ = 0x5414, TIOCSPTLCK = 0x40045431, TIOCGPTPEER = 0x5441;
    private const int SOL_SOCKET = 1, SCM_RIGHTS = 1, MSG_NOSIGNAL = 0x4000;

    /// <summary>Adds them for an init. Before pivot_root and after the spec's mounts.</summary>
    public static void AddWithConsole(
        LaunchProgram program, FdSlots slots, RootTree tree, DetachedMounts mounts, ProcessSpec process, int socket,
        bool otherUser = false)
    {
        var (master, slave) = Open(program, slots, tree, process, otherUser);
        tree.MakeFile("/dev/console");
        var console = mounts.CopyOf(slave, "terminal", recursive: false);
        tree.Attach(console, "/dev/console", followSymlinks: false);
        Send(program, socket, master);
    }

    /// <summary>Adds them for an exec, in the container's own root: /dev/console stays the init's.</summary>
    public static void Add(
        LaunchProgram program, FdSlots slots, RootTree tree, ProcessSpec process, int socket, bool otherUser = false) =>
        Send(program, socket, Open(program, slots, tree, process, otherUser).Master);

    private static (int Master, int Slave) Open(
        LaunchProgram program, FdSlots slots, RootTree tree, ProcessSpec process, bool otherUser)
    {
        int master = slots.Take(), slave = slots.Take();
        FdSlots.Keep(program, tree.Open("/dev/pts/ptmx", followSymlinks: false, OpenFlags.O_RDWR | OpenFlags.O_NOCTTY), master);
        program.Add(Syscall.ioctl, "TIOCSPTLCK", master, TIOCSPTLCK, program.Value(0));
        if (process.ConsoleSize is { Height: > 0, Width: > 0 } size)
            program.Add(Syscall.ioctl, "TIOCSWINSZ", master, TIOCSWINSZ,
                program.Values<ushort>(
                    [(ushort)Math.Min(size.Height, ushort.MaxValue), (ushort)Math.Min(size.Width, ushort.MaxValue), 0, 0]));
        var open = (long)(OpenFlags.O_RDWR | OpenFlags.O_NOCTTY | OpenFlags.O_CLOEXEC).ToKernel();
        FdSlots.Keep(program, program.Add(Syscall.ioctl, "TIOCGPTPEER", master, TIOCGPTPEER, open), slave);
        if (process.User is { Uid: not 0 } user)
            program.Add(Syscall.fchown, "terminal", slave, user.Uid, otherUser
            ? uint.MaxValue : 5 /* tty; it may not be mapped in a user namespace */);
        for (var fd = 0; fd <= 2; fd++) program.Add(Syscall.dup3, "terminal", slave, fd, 0);
        program.Add(Syscall.ioctl, "TIOCSCTTY", 0, TIOCSCTTY, 0);
        return (master, slave);
    }

    /// <summary>sendmsg(2) with one descriptor. cmsg(3): the control message is header, then descriptor, padded.</summary>
    public static void Send(LaunchProgram program, int socket, int fd, string what = "the terminal's master")
    {
        var payload = program.Values<byte>([1]);
        var part = program.Values<long>([0, 1]);
        program.PutPointer(part, payload);
        var control = program.Value(new ControlMessage { length = 20, level = SOL_SOCKET, type = SCM_RIGHTS, fd = fd });
        var message = program.Values<long>([0, 0, 0, 1, 0, 24, 0]);
        program.PutPointer(new DataRef(message.Offset + 16), part);
        program.PutPointer(new DataRef(message.Offset + 32), control);
        program.Add(Syscall.sendmsg, what, socket, message, MSG_NOSIGNAL).AtLeast(1);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ControlMessage
    {
        public long length;
        public int level, type, fd, padding;
    }
}
