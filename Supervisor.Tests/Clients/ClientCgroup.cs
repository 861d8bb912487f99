namespace Supervisor.Tests.Clients;

/// <summary>A cgroup that a client puts all its containers below, and that nobody removes: docker's and podman's way.</summary>
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
