using Akka.Actor;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Namespaces;

namespace Supervisor.Host.Services;

/// <summary>The first write into a namespace creates it: dockerd never creates its own.</summary>
public sealed class NamespaceRegistry(SupervisorSystem system, TimeProvider clock)
{
    /// <summary>Creates the namespace if it does not exist; asks no actor if it does.</summary>
    public Task EnsureAsync(string @namespace, ServerCallContext context) =>
        EnsureAsync(@namespace, context.TimeLeft(clock), context.CancellationToken);

    /// <inheritdoc cref="EnsureAsync(string, ServerCallContext)"/>
    public async Task EnsureAsync(string @namespace, TimeSpan patience, CancellationToken cancel)
    {
        if (system.KnownNamespaces.All.ContainsKey(@namespace)) return;
        await system.Namespaces.Ask<NamespaceReply>(
            new NamespaceCommand.Ensure(@namespace, clock.GetUtcNow()), patience, cancel);
    }
}
