using Containerd.Types.Transfer;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Host.Services.Storage;
using Supervisor.Host.Services.Streaming;
using Supervisor.Registry;
using Supervisor.Registry.Credentials;
using Supervisor.Registry.Hosts;
using Supervisor.Registry.References;

namespace Supervisor.Host.Services.Transfer;

/// <summary>Clients of registries, as a transfer's message and the configuration say.</summary>
/// <param name="hostsDirectory">containerd's <c>certs.d</c>, unless a transfer names its own; null: none.</param>
public sealed class RegistryClients(string? hostsDirectory, TimeProvider clock)
{
    /// <summary>As the daemon is configured: <c>supervisor.registries</c>.</summary>
    public static RegistryClients Of(SupervisorSystem system, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(system);
        return new RegistryClients(
            system.System.Settings.Config.GetString("supervisor.registries") is not "off" and var directory ? directory : null,
                clock);
    }

    /// <summary>A client of the repository that a transfer names.</summary>
    /// <exception cref="RegistryException">The reference or the configuration is wrong.</exception>
    public (ImageName Name, RegistryClient Client) Open(OCIRegistry registry, ClientStreams streams, StorageCaller caller)
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(streams);
        ArgumentNullException.ThrowIfNull(caller);
        var name = ImageName.Parse(registry.Reference);
        var resolver = registry.Resolver ?? new RegistryResolver();
        if (resolver.HttpDebug != 0 || resolver.HttpTrace)
            throw GrpcTranslation.Refuse(
                StatusCode.Unimplemented,
                    "resolver.http_debug, http_trace: not implemented: the daemon does not log requests to registries");
        var plain = resolver.DefaultScheme switch
        {
            "" or "https" => false,
            "http" => true,
            var other => throw new Actors.Identity.InvalidFieldException("resolver.default_scheme",
                $"\"{other}\" is not http or https"),
        };
        var hosts = HostsDirectory.Find(resolver.HostDir.Length > 0 ? resolver.HostDir : hostsDirectory, name.Host, plain)
            .Select(h => h with { Headers = [.. h.Headers, .. resolver.Headers] }).ToList();
        var asking = streams.TakeOrNone(caller.Namespace, resolver.AuthStream);
        return (name, new RegistryClient(
            name, hosts, asking is null ? (_, _) => Task.FromResult<Credential?>(null) : new StreamCredentials(asking, name)
                .FindAsync,
            RegistryLimits.Default, $"supervisor/{typeof(RegistryClients).Assembly.GetName().Version?.ToString(3)}", clock));
    }
}
