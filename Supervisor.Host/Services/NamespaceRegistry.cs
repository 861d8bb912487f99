using Akka.Actor;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Namespaces;

namespace Supervisor.Host.Services;

/// <summary>The first write into a namespace makes it: dockerd never makes its own.</summary>
public sealed class NamespaceRegistry(SupervisorSystem system, TimeProvider clock)
{
    /// <summary>Makes the namespace if it is not there; asks nobody when it is.</summary>
    public async Task EnsureAsync(string @namespace, ServerCallContext context)
    {
        if (system.KnownNamespaces.All.ContainsKey(@namespace)) return;
        await system.Namespaces.Ask<NamespaceReply>(
            new NamespaceCommand.Ensure(@namespace, clock.GetUtcNow()), context.TimeLeft(clock), context.CancellationToken);
    }
}
