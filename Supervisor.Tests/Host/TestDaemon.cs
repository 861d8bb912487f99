using System.Net.Sockets;
using Containerd.Services.Containers.V1;
using Containerd.Services.Events.V1;
using Containerd.Services.Introspection.V1;
using Containerd.Services.Leases.V1;
using Containerd.Services.Namespaces.V1;
using Containerd.Services.Tasks.V1;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Microsoft.Data.Sqlite;
using Supervisor.Host.Daemon;
using Supervisor.Host.Hosting;
using Supervisor.Tests.Persistence;

namespace Supervisor.Tests.Host;

/// <summary>A daemon on directories of its own, and clients of its socket.</summary>
public sealed class TestDaemon : IAsyncLifetime
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public TestDaemon() : this(Directory.CreateTempSubdirectory("supervisor-").FullName) { }

    private TestDaemon(string directory) => Base = directory;

    public string Base { get; }

    /// <summary>As the product runs: its containers are children of a shim of its own.</summary>
    public DaemonOptions Options =>
        new($"{Base}/s", $"{Base}/root", $"{Base}/state", Quiet: true,
        ShimExecutable: Path.Join(Repository.Bin, "supervisor-shim"));

    public DaemonHost Host { get; private set; } = null!;
    public GrpcChannel Channel { get; private set; } = null!;
    public Containers.ContainersClient Containers => new(Channel);
    public Tasks.TasksClient Tasks => new(Channel);
    public Events.EventsClient Events => new(Channel);
    public Namespaces.NamespacesClient Namespaces => new(Channel);
    public Leases.LeasesClient Leases => new(Channel);
    public Introspection.IntrospectionClient Introspection => new(Channel);
    public Health.HealthClient Health => new(Channel);
    public Containerd.Services.Version.V1.Version.VersionClient Version => new(Channel);
    public Supervisor.V1.Tasks.TasksClient Inspection => new(Channel);

    public async Task InitializeAsync()
    {
        Host = await DaemonHost.StartAsync(Options).WaitAsync(Deadline);
        Channel = Connect(Options.Address);
    }

    /// <summary>Stops the daemon and starts another on the same directories.</summary>
    public async Task RestartAsync()
    {
        await Host.StopAsync("a test restarts it").WaitAsync(Deadline);
        Channel.Dispose();
        await InitializeAsync();
    }

    public async Task DisposeAsync()
    {
        Channel.Dispose();
        await Host.StopAsync("the test is over").WaitAsync(Deadline);
        // The journal of a start that failed because it was locked may only now be closed, and its files removed.
        await Eventually.IsTrue(IsRemoved);
    }

    private bool IsRemoved()
    {
        try
        {
            if (Directory.Exists(Base)) Directory.Delete(Base, recursive: true);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Locks the journal of a stopped daemon until disposed (sqlite.org/pragma.html#pragma_locking_mode).</summary>
    public SqliteConnection LockJournal()
    {
        var connection = Database.Open($"{Options.Root}/journal.db");
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE; COMMIT";
        command.ExecuteNonQuery();
        return connection;
    }

    /// <summary>Headers and deadline of a call in a namespace; null sends no header.</summary>
    public static CallOptions In(string? @namespace, CancellationToken cancel = default)
    {
        var headers = new Metadata();
        if (@namespace is not null) headers.Add("containerd-namespace", @namespace);
        return new CallOptions(headers, DateTime.UtcNow + Deadline, cancel);
    }

    public static async Task<Status> StatusAsync<T>(AsyncUnaryCall<T> call) =>
        (await Assert.ThrowsAsync<RpcException>(async () => await call)).Status;

    public static GrpcChannel Connect(string address) => GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        DisposeHttpClient = true,
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(address), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        },
    });
}
