using System.Runtime.InteropServices;
using Containerd.Services.Introspection.V1;
using Containerd.Types;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Host.Daemon;
using Supervisor.Host.Filters;
using Supervisor.Host.Services.Storage;
using Supervisor.Storage.Snapshots;

namespace Supervisor.Host.Services;

/// <summary>containerd.services.introspection.v1: the server's identity, and which of containerd's plugins it has.</summary>
public sealed class IntrospectionService(ServerIdentity identity, DaemonOptions options, StorageCalls storage, LogLimits logs)
    : Introspection.IntrospectionBase
{
    // Only what works: a client that finds a snapshotter listed will use it.
    private static readonly (string Type, string Id)[] Present =
    [
        ("io.containerd.runtime.v2", "task"),
        ("io.containerd.grpc.v1", "containers"),
        ("io.containerd.grpc.v1", "tasks"),
        ("io.containerd.grpc.v1", "events"),
        ("io.containerd.grpc.v1", "namespaces"),
        ("io.containerd.grpc.v1", "leases"),
        ("io.containerd.grpc.v1", "introspection"),
        ("io.containerd.grpc.v1", "version"),
        ("io.containerd.grpc.v1", "healthcheck"),
        ("io.containerd.grpc.v1", "images"),
        ("io.containerd.grpc.v1", "content"),
        ("io.containerd.grpc.v1", "snapshots"),
        ("io.containerd.grpc.v1", "diff"),
        ("io.containerd.grpc.v1", "streaming"),
        ("io.containerd.grpc.v1", "transfer"),
        ("io.containerd.gc.v1", "scheduler"),
        ("io.containerd.differ.v1", "walking"),
    ];

    /// <inheritdoc/>
    public override Task<ServerResponse> Server(Empty request, ServerCallContext context) => Task.FromResult(new ServerResponse
    {
        Uuid = identity.Uuid,
        Pid = (ulong)Environment.ProcessId,
        Pidns = identity.PidNamespace,
    });

    /// <inheritdoc/>
    public override Task<PluginsResponse> Plugins(PluginsRequest request, ServerCallContext context)
    {
        var filters = FilterSet.Parse(request.Filters);
        var plugins = Present.Select(p => new Plugin { Type = p.Type, Id = p.Id, Platforms = { Here() } }).ToList();
        // Our own clients put log files and FIFOs into this daemon's directories, and limit logs as it is configured.
        plugins[0].Exports.Add("root", options.Root);
        plugins[0].Exports.Add("state", options.State);
        plugins[0].Exports.Add("log-max-size", $"{logs.MaxSize ?? 0}");
        plugins[0].Exports.Add("log-max-files", $"{logs.MaxFiles}");
        var content = new Plugin { Type = "io.containerd.content.v1", Id = "content", Platforms = { Here() },
            Exports = { ["root"] = storage.Files.Content.Root } };
        plugins.Add(content);
        plugins.AddRange(storage.Files.Snapshotters.Select(Describe));
        return Task.FromResult(new PluginsResponse { Plugins = { plugins.Where(p => filters.Matches(RecordFields.Of(p))) } });
    }

    /// <summary>An unusable one is listed with the reason: <c>ctr plugins ls</c> shows it as skipped.</summary>
    private static Plugin Describe(Snapshotter snapshotter)
    {
        var plugin = new Plugin
        {
            Type = "io.containerd.snapshotter.v1", Id = snapshotter.Name, Platforms = { Here() },
            Exports = { ["root"] = snapshotter.Root },
        };
        if (snapshotter.Unusable is { } why)
            plugin.InitErr = new RpcStatus { Code = (int)StatusCode.Unknown, Message = $"{why}: skip plugin" };
        return plugin;
    }

    /// <summary>In Go's spelling of architectures.</summary>
    private static Platform Here() => new()
    {
        Os = "linux",
        Architecture = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "amd64",
            Architecture.Arm64 => "arm64",
            var other => other.ToString().ToLowerInvariant(),
        },
    };
}
