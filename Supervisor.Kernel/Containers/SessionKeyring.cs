using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Launch;

namespace Supervisor.Kernel.Containers;

/// <summary>
/// The step that gives a container a session keyring of its own, so that its processes neither see nor possess the keys of
/// whoever made it. keyrings(7), keyctl(2).
/// </summary>
internal static class SessionKeyring
{
    private const int KEYCTL_JOIN_SESSION_KEYRING = 1;

    /// <param name="program">Of an init or of an exec; the latter finds the init's ring by its name, where it may search it.</param>
    /// <param name="name">Null for no step.</param>
    public static void Join(LaunchProgram program, string? name)
    {
        if (name is null) return;
        program.Add(Syscall.keyctl, name, KEYCTL_JOIN_SESSION_KEYRING, program.Text(name)).Tolerating(Errno.ENOSYS) // a kernel without keys
            .Called($"join the session keyring \"{name}\"");
    }
}
