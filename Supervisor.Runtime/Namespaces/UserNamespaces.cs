using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Namespaces;

/// <summary>User namespaces without a process, for the mappings of idmapped mounts. mount_setattr(2).</summary>
internal static class UserNamespaces
{
    /// <summary>Makes a user namespace.</summary>
    /// <returns>Its file.</returns>
    public static Fd Create(IReadOnlyList<IdMappingSpec> uids, IReadOnlyList<IdMappingSpec> gids, CancellationToken deadline)
    {
        Fd? made = null;
        using var pauses = new LaunchPauses();
        var program = new LaunchProgram();
        pauses.Add(program, "id maps of a mount", (pid, stop) =>
        {
            IdMaps.Write(pid, uids, gids, stop);
            made = Fd.Open($"/proc/{pid}/ns/user", OpenFlags.O_RDONLY);
        });
        program.Add(Syscall.exit_group, "0", 0);
        var child = Launcher.Launch(program, CloneFlags.CLONE_NEWUSER, null, deadline, pauses);
        using (child.Pidfd) child.Pidfd.Reap();
        return made!;
    }
}
