namespace Supervisor.Tests.Clients;

/// <summary>The parent cgroup of all containers of a client, which docker and podman never remove.</summary>
internal static class ClientCgroup
{
    /// <summary>Removes it from every hierarchy where it is empty: another test's containers may still be in there.</summary>
    public static void RemoveIfEmpty(string name)
    {
        foreach (var tree in (string[])["/sys/fs/cgroup", .. Directory.GetDirectories("/sys/fs/cgroup")])
        {
            var directory = Path.Join(tree, name);
            try
            {
                if (Directory.Exists(directory)) Directory.Delete(directory);
            }
            catch (IOException)
            {
                // EBUSY: it is in use.
            }
        }
    }
}
