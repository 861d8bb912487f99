using System.Globalization;
using System.Net.Sockets;
using Containerd.Services.Containers.V1;
using Containerd.Services.Introspection.V1;
using Containerd.Services.Namespaces.V1;
using Containerd.Services.Snapshots.V1;
using Containerd.Services.Tasks.V1;
using Grpc.Core;
using Supervisor.Cli.Errors;
using Supervisor.Client;
using Supervisor.Client.Connection;
using Supervisor.Runtime.Stdio;
using Container = Containerd.Services.Containers.V1.Container;
using VersionClient = Containerd.Services.Version.V1.Version.VersionClient;

namespace Supervisor.Cli.Connection;

/// <summary>A connection to the daemon's socket, opened at the first call.</summary>
internal sealed class DaemonClient : IDisposable
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(1);

    private readonly DaemonConnection _connection;

    /// <param name="address">Path of the unix socket.</param>
    /// <param name="namespace">Sent with every call.</param>
    public DaemonClient(string address, string @namespace) => _connection = new DaemonConnection(
        new ClientOptions { Address = Path.GetFullPath(address), Namespace = @namespace, Timeout = DefaultTimeout });

    /// <summary>The command line that reaches the same daemon: for hints.</summary>
    public string CommandLine => $"supervisor --address {Address} --namespace {Namespace}";

    /// <summary>Of a daemon that is our child: how it has exited, when a connection has been lost. None follows it.</summary>
    public Func<string?>? Exit { get; init; }

    /// <summary>Whether there has been a connection: if there is none any more, the daemon has exited.</summary>
    public bool HasConnected => _connection.HasConnected;

    public string Address => _connection.Options.Address;
    public string Namespace => _connection.Options.Namespace;
    public Containers.ContainersClient Containers => _connection.Containers;
    public Tasks.TasksClient Tasks => _connection.Tasks;
    public Snapshots.SnapshotsClient Snapshots => _connection.Snapshots;
    public VersionClient Version => _connection.Version;
    public Introspection.IntrospectionClient Introspection => field ??= new(_connection.Channel);
    public Containerd.Services.Images.V1.Images.ImagesClient Images => field ??= new(_connection.Channel);
    public Containerd.Services.Content.V1.Content.ContentClient Content => field ??= new(_connection.Channel);
    public Containerd.Services.Transfer.V1.Transfer.TransferClient Transfers => field ??= new(_connection.Channel);
    public Containerd.Services.Streaming.V1.Streaming.StreamingClient Streams => field ??= new(_connection.Channel);
    public Namespaces.NamespacesClient Namespaces => field ??= new(_connection.Channel);
    public V1.Tasks.TasksClient Inspection => _connection.Inspection;
    public V1.Events.EventsClient History => _connection.History;
    public V1.Files.FilesClient Files => _connection.Files;

    /// <summary>Whether a daemon listens; false if there is no socket or no daemon answers on it.</summary>
    /// <exception cref="CliException">It is unknown: e.g. the socket may not be opened.</exception>
    public static bool Answers(string address)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(address));
            return true;
        }
        catch (SocketException e) when (IsAbsence(e))
        {
            return false;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AccessDenied)
        {
            throw new CliException(ConnectionFailure.NoPermission(address));
        }
        catch (SocketException e)
        {
            throw new CliException($"cannot connect to {address}: {e.Message}");
        }
    }

    /// <summary>Headers and deadline of a short call.</summary>
    public CallOptions Call(CancellationToken cancel = default) => Call(DefaultTimeout, cancel);

    /// <summary>As <see cref="Call(CancellationToken)"/>, with another deadline.</summary>
    public CallOptions Call(TimeSpan timeout, CancellationToken cancel) => new(Headers, DateTime.UtcNow + timeout, cancel);

    /// <summary>As <see cref="Call(CancellationToken)"/>, in another namespace.</summary>
    public CallOptions CallIn(string @namespace, CancellationToken cancel) =>
        Call(cancel).WithHeaders(new() { { "containerd-namespace", @namespace } });

    /// <summary>Headers of a long call: a wait, a subscription.</summary>
    public CallOptions OpenEnded(CancellationToken cancel = default) => new(Headers, cancellationToken: cancel);

    /// <summary>The daemon's directories, from its list of plugins.</summary>
    public async Task<(string Root, string State)> DirectoriesAsync(CancellationToken cancel)
    {
        return await ExportsAsync(cancel) is var exports
            && exports.TryGetValue("root", out var root) && exports.TryGetValue("state", out var state)
            ? (root, state)
            : throw Foreign("its directories");
    }

    /// <summary>The task of a container: calls of the client library, which fail with its exception.</summary>
    public ContainerTask TaskOf(string id) => new(_connection, id);

    /// <summary>A container's record.</summary>
    public async Task<Container> ContainerAsync(string id, CancellationToken cancel)
    {
        var request = new GetContainerRequest { Id = id };
        return (await this.StayAsync(() => Containers.GetAsync(request, Call(cancel)).ResponseAsync)).Container;
    }

    /// <summary>A log at a path, limited as the daemon is configured.</summary>
    public async Task<LogTarget> LogAsync(string path, LogFormat format, CancellationToken cancel)
    {
        var exports = await ExportsAsync(cancel);
        return exports.TryGetValue("log-max-size", out var size)
            && long.TryParse(size, CultureInfo.InvariantCulture, out var bytes)
            && exports.TryGetValue("log-max-files", out var number)
            && int.TryParse(number, CultureInfo.InvariantCulture, out var files)
            ? new LogTarget(path, bytes > 0 ? bytes : null, files) { Format = format }
            : throw Foreign("the limits of its logs");
    }

    private CliException Foreign(string missing) =>
        new($"the daemon at {Address} does not report {missing}: is it a supervisor?");

    public void Dispose() => _connection.Dispose();

    /// <summary>What the daemon reports about itself; empty if it is not a supervisor.</summary>
    private async Task<IDictionary<string, string>> ExportsAsync(CancellationToken cancel)
    {
        var request = new PluginsRequest { Filters = { "type==io.containerd.runtime.v2,id==task" } };
        var plugins = await this.StayAsync(() => Introspection.PluginsAsync(request, Call(cancel)).ResponseAsync);
        return plugins.Plugins.Count > 0 ? plugins.Plugins[0].Exports : new Dictionary<string, string>();
    }

    private Metadata Headers => new() { { "containerd-namespace", Namespace } };

    // ENOENT has no SocketError of its own.
    private static bool IsAbsence(SocketException e) =>
        e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable || e.NativeErrorCode == 2;
}
