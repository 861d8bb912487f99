using System.Text.Json.Nodes;
using Supervisor.Client;
using Supervisor.Client.Errors;
using Supervisor.Tests.Clients;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Client;

/// <summary>A daemon and a containerd, a root file system, and clients of both. Disposing deletes all containers.</summary>
public sealed class ClientServers : IAsyncLifetime
{
    private static int _last;
    private readonly OciRuntime _oci = new();
    private readonly DaemonProcess _daemon = new();
    private readonly ContainerdProcess _containerd;

    public ClientServers() => _containerd = new ContainerdProcess(_oci.Place);

    public static TheoryData<Server> All => [Server.Supervisor, Server.Containerd];

    /// <summary>Where clients make FIFOs: empty when all processes are deleted.</summary>
    public string StdioDirectory => Path.Join(_oci.Place, "fifo");

    public static string NewId() => $"client-{Environment.ProcessId}-{Interlocked.Increment(ref _last)}";

    public async Task InitializeAsync()
    {
        await _daemon.RestartAsync();
        await _containerd.StartAsync();
    }

    public ClientOptions Options(Server server) => new()
    {
        Address = server is Server.Supervisor ? _daemon.Address : _containerd.Address,
        Namespace = _daemon.Namespace,
        StdioDirectory = StdioDirectory,
        Timeout = CommandLine.Patience,
    };

    public SupervisorClient Connect(Server server) => new(Options(server));

    /// <summary>kill -9, and another one on the same directories.</summary>
    public async Task RestartAsync(Server server)
    {
        await KillAsync(server);
        await StartAsync(server);
    }

    /// <summary>Starts one that was killed.</summary>
    public Task StartAsync(Server server) =>
        server is Server.Supervisor ? _daemon.RestartAsync() : _containerd.StartAsync();

    /// <summary>kill -9.</summary>
    public Task KillAsync(Server server) => server is Server.Supervisor ? _daemon.KillAsync() : _containerd.KillAsync();

    /// <summary>The spec of a shell command.</summary>
    public string Spec(string id, string command, Action<JsonNode>? change = null)
    {
        var spec = new JsonObject
        {
            ["ociVersion"] = "1.0.2",
            ["root"] = new JsonObject { ["path"] = _oci.Rootfs },
            ["process"] = JsonNode.Parse(ProcessSpec(command)),
            ["mounts"] = JsonNode.Parse("""
                [{"destination":"/proc","type":"proc","source":"proc"},
                 {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","mode=755"]},
                 {"destination":"/dev/pts","type":"devpts","source":"devpts",
                  "options":["newinstance","ptmxmode=0666","mode=0620"]}]
                """),
            ["linux"] = new JsonObject
            {
                ["cgroupsPath"] = $"/{_daemon.Namespace}/{id}",
                ["namespaces"] = JsonNode.Parse("""[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"}]"""),
            },
        };
        change?.Invoke(spec);
        return spec.ToJsonString();
    }

    /// <summary>The spec of an exec of a shell command.</summary>
    public static string ProcessSpec(string command, bool hasTerminal = false) => new JsonObject
    {
        ["args"] = new JsonArray("/bin/sh", "-c", command), ["cwd"] = "/", ["terminal"] = hasTerminal,
        ["env"] = new JsonArray("PATH=/bin"), ["user"] = JsonNode.Parse("""{"uid":0,"gid":0}"""),
    }.ToJsonString();

    /// <summary>A container that runs a shell command.</summary>
    public Task<Container> CreateAsync(SupervisorClient client, string command, Action<JsonNode>? change = null)
    {
        var id = NewId();
        return client.NewContainerAsync(id, Spec(id, command, change));
    }

    public async Task DisposeAsync()
    {
        try
        {
            foreach (var server in Enum.GetValues<Server>()) await DeleteAllAsync(server);
        }
        finally
        {
            await _daemon.DisposeAsync();
            await _containerd.DisposeAsync();
            _oci.Dispose();
            ClientCgroup.RemoveIfEmpty(_daemon.Namespace);
            var left = $"/run/containerd/runc/{_daemon.Namespace}";
            if (Directory.Exists(left)) Directory.Delete(left);
        }
    }

    private async Task DeleteAllAsync(Server server)
    {
        using var client = Connect(server);
        var failures = new List<Exception>();
        foreach (var container in await client.ContainersAsync())
        {
            try
            {
                await DeleteAsync(container);
            }
            catch (ClientException e)
            {
                failures.Add(e); // and the others are deleted
            }
        }
        if (failures.Count > 0) throw new AggregateException(failures);
    }

    private static async Task DeleteAsync(Container container)
    {
        try
        {
            await using var task = await container.TaskAsync();
            await task.ForceDeleteAsync();
        }
        catch (ClientException e) when (e.Code is ErrorCode.NotFound)
        {
            // It has none.
        }
        await container.DeleteAsync();
    }
}
