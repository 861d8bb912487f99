using System.Net.Sockets;
using Containerd.Services.Containers.V1;
using Containerd.Services.Snapshots.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Supervisor.Client.Errors;
using ContainerdTasks = Containerd.Services.Tasks.V1.Tasks;
using ContainerdVersion = Containerd.Services.Version.V1.Version;

namespace Supervisor.Client.Connection;

/// <summary>A connection to the daemon's socket: opened at the first call, and again after it was lost.</summary>
internal sealed class DaemonConnection : IDisposable
{
    private const int MaximumMessageSize = 16 << 20; // containerd's default (defaults.DefaultMaxRecvMsgSize)

    private readonly GrpcChannel _channel;

    public DaemonConnection(ClientOptions options)
    {
        Options = options;
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancel) =>
                {
                    var connection = await ConnectAsync(options.Address, cancel);
                    HasConnected = true;
                    return connection;
                },
                EnableMultipleHttp2Connections = true,
                UseProxy = false,
            },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaximumMessageSize,
            MaxSendMessageSize = MaximumMessageSize,
        });
        Containers = new(_channel);
        Tasks = new(_channel);
        Snapshots = new(_channel);
        Version = new(_channel);
        Events = new(_channel);
        Inspection = new(_channel);
        History = new(_channel);
        Files = new(_channel);
    }

    public ClientOptions Options { get; }

    /// <summary>Whether there has been a connection: if there is none any more, the daemon has exited.</summary>
    public bool HasConnected { get; private set; }

    /// <summary>For clients of further services.</summary>
    public GrpcChannel Channel => _channel;

    public Containers.ContainersClient Containers { get; }
    public ContainerdTasks.TasksClient Tasks { get; }
    public Snapshots.SnapshotsClient Snapshots { get; }
    public ContainerdVersion.VersionClient Version { get; }
    public Containerd.Services.Events.V1.Events.EventsClient Events { get; }

    /// <summary>A Supervisor daemon's alone.</summary>
    public V1.Tasks.TasksClient Inspection { get; }

    /// <summary>A Supervisor daemon's alone.</summary>
    public V1.Events.EventsClient History { get; }

    /// <summary>A Supervisor daemon's alone.</summary>
    public V1.Files.FilesClient Files { get; }

    /// <summary>A call with the deadline of the options.</summary>
    /// <param name="what">What is asked, of what: the beginning of an error's message.</param>
    public Task<T> CallAsync<T>(string what, Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancel) =>
        CallAsync(what, call, Options.Timeout, cancel);

    /// <param name="timeout">Null for none.</param>
    public async Task<T> CallAsync<T>(
        string what, Func<CallOptions, AsyncUnaryCall<T>> call, TimeSpan? timeout, CancellationToken cancel)
    {
        try
        {
            using var made = call(new CallOptions(Headers, DateTime.UtcNow + timeout, cancel));
            return await made;
        }
        catch (RpcException e)
        {
            cancel.ThrowIfCancellationRequested();
            throw Failure(what, e);
        }
    }

    /// <summary>Headers of a stream.</summary>
    public CallOptions Streaming(CancellationToken cancel) => new(Headers, cancellationToken: cancel);

    /// <summary>An error as this library throws it.</summary>
    public ClientException Failure(string what, RpcException e)
    {
        if (Refused(e) is { SocketErrorCode: SocketError.AccessDenied })
            return new(ErrorCode.PermissionDenied,
                $"{what}: this user may not open the socket {Options.Address} (EACCES): use root, or another address", e);
        if (Refused(e) is { } refused)
            return new(ErrorCode.Unavailable,
                $"{what}: no daemon answers at {Options.Address} ({Reason(refused)}): start it, or use another address", e);
        return IsLost(e) && e.Status.DebugException is not null
            ? new(ErrorCode.Unavailable,
                $"{what}: the daemon at {Options.Address} exited before it answered: whether it was done is not known", e)
            : new((ErrorCode)e.StatusCode, $"{what}: {e.Status.Detail}", e);
    }

    /// <summary>
    /// The daemon is stopping, or has exited: another may answer. When it exited during a call, there is an inner exception.
    /// </summary>
    public static bool IsLost(RpcException e) => e.StatusCode switch
    {
        StatusCode.Unavailable => Refused(e) is not { SocketErrorCode: SocketError.AccessDenied },
        StatusCode.Internal or StatusCode.Cancelled => e.Status.DebugException is not (null or OperationCanceledException),
        _ => false,
    };

    public void Dispose() => _channel.Dispose();

    private Metadata Headers => new() { { "containerd-namespace", Options.Namespace } };

    /// <summary>Why there was no connection; null if there was one.</summary>
    private static SocketException? Refused(RpcException e)
    {
        if (e.Status.DebugException is not HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError })
            return null;
        Exception? cause = e.Status.DebugException;
        while (cause is not (null or SocketException)) cause = cause.InnerException;
        return cause as SocketException;
    }

    // .NET has no SocketError for ENOENT: for a unix socket, this one is it.
    private static string Reason(SocketException e) => e.SocketErrorCode is SocketError.AddressNotAvailable
        ? "there is no such socket, ENOENT" : $"{e.Message}, errno {e.NativeErrorCode}";

    private static async ValueTask<Stream> ConnectAsync(string address, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(address), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
