using Supervisor.Kernel.Abi;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// Descriptor numbers that a program may use in the child for what it opens there and needs more than once. The child's
/// table is a copy: replacing one of our numbers there does not close ours.
/// </summary>
/// <param name="taken">The numbers that the program itself refers to.</param>
internal sealed class FdSlots(IEnumerable<int> taken)
{
    private readonly HashSet<int> _taken = [.. taken];
    private int _next = InitStub.SocketFd + 1;

    /// <summary>A number that the program does not use yet.</summary>
    public int Take()
    {
        while (!_taken.Add(_next)) _next++;
        return _next;
    }

    /// <summary>
    /// Adds the record that gives a descriptor of ours a fixed number and keeps it open across the stub's exec.
    /// </summary>
    public static void Pass(LaunchProgram program, string name, int number, int to)
    {
        const int F_SETFD = 2;
        if (number == to) program.Add(Syscall.fcntl, name, number, F_SETFD, 0); // dup3(2) refuses equal numbers
        else program.Add(Syscall.dup3, name, number, to, 0);
    }

    /// <summary>
    /// Closes, in the child's table, all of our descriptors that the program does not name. For a child that enters a pid
    /// namespace with other processes: they could inspect its descriptors before its exec closes them (CVE-2016-9962).
    /// </summary>
    public static void CloseOthers(LaunchProgram program, IEnumerable<int> named)
    {
        var first = 3L;
        foreach (var fd in named.Where(n => n >= 3).Distinct().Order())
        {
            if (fd > first) program.Add(Syscall.close_range, $"{first} to {fd - 1}", first, fd - 1, 0);
            first = fd + 1;
        }
        program.Add(Syscall.close_range, $"{first} and above", first, uint.MaxValue, 0);
    }

    /// <summary>Adds the record that moves the previous record's result to <paramref name="slot"/>.</summary>
    /// <remarks>
    /// EINVAL from dup3 means that it already has that number; it is close-on-exec then, as all that is opened here.
    /// </remarks>
    public static void Keep(LaunchProgram program, LaunchProgram.Step opened, int slot)
    {
        opened.IntoNext(0);
        program.Add(Syscall.dup3, null, 0, slot, (long)OpenFlags.O_CLOEXEC).Tolerating(Errno.EINVAL);
    }
}
