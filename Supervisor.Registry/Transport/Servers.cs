namespace Supervisor.Registry.Transport;

/// <summary>The servers of one registry, tried in their order.</summary>
internal static class Servers
{
    /// <summary>The answer of the first that has one.</summary>
    /// <exception cref="RegistryException">None has; the message has all of their reasons, the kind is the last one's, which is
    /// the
    /// registry's own.</exception>
    internal static async Task<(HostClient Server, T Answer)> FirstOfAsync<T>(
        IReadOnlyList<HostClient> servers, Func<HostClient, Task<T>> ask)
    {
        var failures = new List<RegistryException>();
        foreach (var server in servers)
            try
            {
                return (server, await ask(server));
            }
            catch (RegistryException e)
            {
                failures.Add(e);
            }
        throw failures.Count == 1 ? failures[0]
            : new RegistryException(failures[^1].Fault, string.Join("; ", failures.Select(f => f.Message)), failures[^1]);
    }
}
