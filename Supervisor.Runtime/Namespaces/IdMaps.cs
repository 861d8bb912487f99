using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Hooks;
using Supervisor.Runtime.Oci;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Namespaces;

/// <summary>The id maps of a user namespace. user_namespaces(7).</summary>
internal static class IdMaps
{
    private static readonly uint EffectiveUid = geteuid(), EffectiveGid = getegid();

    /// <summary>Whether we lack root's rights over ids in our own user namespace.</summary>
    public static bool Rootless => EffectiveUid != 0;

    /// <summary>Whether root here is not the machine's root, or we are not root at all. user_namespaces(7).</summary>
    public static bool InUserNamespace { get; } =
        Rootless || KernelFile.Read("/proc/self/uid_map")
            .Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries) is not ["0", "0", "4294967295"];

    /// <summary>The outside id of an inside one; null where it is not mapped.</summary>
    public static uint? Outside(IReadOnlyList<IdMappingSpec> maps, uint inside)
    {
        foreach (var m in maps)
            if (inside >= m.ContainerID && inside - m.ContainerID < m.Size) return m.HostID + (inside - m.ContainerID);
        return null;
    }

    /// <summary>The id that sets up a namespace with these maps: its root, or <paramref name="user"/> without one.</summary>
    public static uint InsideOr(IReadOnlyList<IdMappingSpec> maps, uint user) => Outside(maps, 0) is null ? user : 0;

    /// <summary>
    /// Whether a process in it may call setgroups(2): not where we had to deny it in order to write the map.
    /// </summary>
    /// <param name="gids">The map of the new user namespace; null where none is made.</param>
    public static bool MaySetGroups(IReadOnlyList<IdMappingSpec>? gids) =>
        SetGroupsAllowed && (gids is null || !Rootless || !IsOwnOnly(gids, EffectiveGid));

    // A user namespace inherits the denial from its parent.
    private static bool SetGroupsAllowed { get; } =
        !File.Exists("/proc/self/setgroups")
            || !KernelFile.Read("/proc/self/setgroups").StartsWith("deny", StringComparison.Ordinal);

    /// <summary>Writes both maps of a process's new namespace.</summary>
    /// <exception cref="SyscallException">The kernel refused; the message names the file.</exception>
    public static void Write(
        int pid, IReadOnlyList<IdMappingSpec> uids, IReadOnlyList<IdMappingSpec> gids, CancellationToken deadline)
    {
        if (!Rootless)
        {
            WriteFile($"/proc/{pid}/uid_map", Text(uids));
            WriteFile($"/proc/{pid}/gid_map", Text(gids));
            return;
        }
        // The child shares our memory, so its /proc files belong to root while that is not dumpable. It runs only our steps.
        ProcessHardening.Apply(dumpable: true);
        try
        {
            if (IsOwnOnly(uids, EffectiveUid)) WriteFile($"/proc/{pid}/uid_map", Text(uids));
            else Helper("newuidmap", pid, uids, deadline);
            if (IsOwnOnly(gids, EffectiveGid))
            {
                WriteFile($"/proc/{pid}/setgroups", "deny"); // else the kernel refuses an unprivileged map (CVE-2014-8989)
                WriteFile($"/proc/{pid}/gid_map", Text(gids));
            }
            else Helper("newgidmap", pid, gids, deadline);
        }
        finally
        {
            ProcessHardening.Apply();
        }
    }

    private static bool IsOwnOnly(IReadOnlyList<IdMappingSpec> maps, uint own) => maps is [{ Size: 1 } one] && one.HostID == own;

    private static string Text(IReadOnlyList<IdMappingSpec> maps) =>
        string.Concat(maps.Select(m => $"{m.ContainerID} {m.HostID} {m.Size}\n"));

    private static void WriteFile(string path, string text)
    {
        using var file = Fd.Open(path, OpenFlags.O_WRONLY);
        try
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(text)); // one write: a map is written once
        }
        catch (SyscallException e)
        {
            throw new SyscallException("write", e.Errno, $"{path} (\"{text.TrimEnd().Replace('\n', ';')}\")");
        }
    }

    /// <summary>newuidmap(1), set-user-id: checks the ranges in /etc/subuid.</summary>
    private static void Helper(string name, int pid, IReadOnlyList<IdMappingSpec> maps, CancellationToken deadline)
    {
        var path = ((string[])["/usr/bin/", "/usr/sbin/", "/bin/"]).Select(d => d + name).FirstOrDefault(File.Exists)
            ?? throw new SyscallException(
                "execve", Errno.ENOENT, $"{name}: install the package uidmap, or map only your own id");
        var arguments = maps.SelectMany(m => (string[])[$"{m.ContainerID}", $"{m.HostID}", $"{m.Size}"]);
        var hook = new HookSpec { Path = path, Args = [name, $"{pid}", .. arguments] };
        HookRunner.Run(name, [hook], new ContainerState("", "", "", 0, "", new Dictionary<string, string>()), deadline);
    }
}
