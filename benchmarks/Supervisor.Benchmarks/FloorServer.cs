using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using Containerd.Services.Containers.V1;
using Containerd.Services.Events.V1;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Supervisor.Kernel.Processes;

namespace Supervisor.Benchmarks;

/// <summary>
/// The least that gRPC on this stack can do. For a kill and its event, a task is a plain child process, Kill signals it in the
/// call's own thread, and a thread that waits for its pidfd writes to the subscribers; for a lifecycle, each call is answered at
/// once. No actors, no journal, no shim, no container. What a daemon takes longer is its own.
/// </summary>
internal static class FloorServer
{
    public static async Task RunAsync(string socket, CancellationToken stop)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(
            kestrel => kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.Configure<SocketTransportOptions>(s => s.UnsafePreferInlineScheduling = true);
        builder.Services.AddGrpc();
        await using var app = builder.Build();
        app.MapGrpcService<FloorContainers>();
        app.MapGrpcService<FloorTasks>();
        app.MapGrpcService<FloorEvents>();
        await app.RunAsync(stop);
    }

    private static readonly ConcurrentDictionary<Channel<Envelope>, bool> Subscribers = new();
    private static readonly ConcurrentDictionary<string, bool> Sleepers = new();

    internal sealed class FloorContainers : Containers.ContainersBase
    {
        public override Task<CreateContainerResponse> Create(CreateContainerRequest request, ServerCallContext context)
        {
            if (request.Container.Spec.Value.ToStringUtf8().Contains("\"sleep\"", StringComparison.Ordinal))
                Sleepers[request.Container.Id] = true;
            return Task.FromResult(new CreateContainerResponse());
        }

        public override Task<Empty> Delete(DeleteContainerRequest request, ServerCallContext context) =>
            Task.FromResult(new Empty());
    }

    internal sealed class FloorTasks : Tasks.TasksBase
    {
        private static readonly ConcurrentDictionary<string, Pidfd> Running = new();
        private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

        public override Task<CreateTaskResponse> Create(CreateTaskRequest request, ServerCallContext context) =>
            Task.FromResult(new CreateTaskResponse());

        /// <summary>The only program that runs is sleep(1), for the kills: in a lifecycle only the calls are measured.</summary>
        public override Task<StartResponse> Start(StartRequest request, ServerCallContext context)
        {
            var id = request.ContainerId;
            if (!Sleepers.TryRemove(id, out _)) return Task.FromResult(new StartResponse());
            var process = Process.Start(new ProcessStartInfo("sleep", "1000"))!;
            var pidfd = Pidfd.TryOpen(process.Id)!;
            new Thread(() =>
            {
                pidfd.WaitForExit(Patience);
                var exit = new Envelope { Event = new Any { TypeUrl = "containerd.events.TaskExit",
                    Value = new Containerd.Events.TaskExit { ContainerId = id }.ToByteString() } };
                foreach (var subscriber in Subscribers.Keys) subscriber.Writer.TryWrite(exit);
            }) { IsBackground = true }.Start();
            Running[id] = pidfd;
            return Task.FromResult(new StartResponse { Pid = (uint)process.Id });
        }

        public override Task<Empty> Kill(KillRequest request, ServerCallContext context)
        {
            Running[request.ContainerId].TrySignal((int)request.Signal);
            return Task.FromResult(new Empty());
        }

        public override Task<WaitResponse> Wait(WaitRequest request, ServerCallContext context) =>
            Task.FromResult(new WaitResponse());

        public override Task<DeleteResponse> Delete(DeleteTaskRequest request, ServerCallContext context) =>
            Task.FromResult(new DeleteResponse());
    }

    internal sealed class FloorEvents : Events.EventsBase
    {
        public override async Task Subscribe(
            SubscribeRequest request, IServerStreamWriter<Envelope> responseStream, ServerCallContext context)
        {
            var mine = Channel.CreateUnbounded<Envelope>();
            Subscribers[mine] = true;
            await context.WriteResponseHeadersAsync([]);
            try
            {
                await foreach (var each in mine.Reader.ReadAllAsync(context.CancellationToken))
                    await responseStream.WriteAsync(each);
            }
            catch (OperationCanceledException)
            {
                // the subscriber has gone
            }
            finally
            {
                Subscribers.TryRemove(mine, out _);
            }
        }
    }
}
