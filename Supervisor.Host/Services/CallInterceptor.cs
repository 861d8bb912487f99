using Akka.Actor;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Supervisor.Actors.Identity;
using Supervisor.Host.Daemon;
using Supervisor.Host.Filters;
using Supervisor.Registry;
using Supervisor.Runtime.Oci;
using Supervisor.Storage;

namespace Supervisor.Host.Services;

/// <summary>
/// Every call passes here: an early one waits until the daemon is ready, and an exception becomes a status, and is logged if it
/// is a fault of the daemon.
/// </summary>
/// <remarks>
/// A shutdown must never look like CANCELLED: dockerd takes that for its own cancellation and never subscribes again; on
/// UNAVAILABLE it reconnects.
/// </remarks>
public sealed class CallInterceptor(DaemonLifetime lifetime, DaemonOptions options, ILogger<CallInterceptor> log) : Interceptor
{
    private const string HealthMethods = "/grpc.health.v1.Health/";
    private static readonly TimeSpan ReasonWithin = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await ReadyAsync(context);
            NeedSpace(context);
            return await continuation(request, context).WaitAsync(lifetime.Broken);
        }
        catch (Exception e) when (e is not RpcException)
        {
            await SettledAsync(e, context);
            throw Translate(e, context);
        }
    }

    /// <inheritdoc/>
    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        TResponse? response = null;
        await StreamAsync(context, async () => response = await continuation(requestStream, context));
        return response!;
    }

    /// <inheritdoc/>
    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        StreamAsync(context, () => continuation(request, responseStream, context));

    /// <inheritdoc/>
    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        StreamAsync(context, () => continuation(requestStream, responseStream, context));

    private async Task StreamAsync(ServerCallContext context, Func<Task> answer)
    {
        try
        {
            await ReadyAsync(context);
            NeedSpace(context);
            await answer();
        }
        catch (Exception e) when (e is not RpcException)
        {
            await SettledAsync(e, context);
            throw Translate(e, context);
        }
    }

    private void NeedSpace(ServerCallContext context)
    {
        if (lifetime.IsDiskFull && CallsThatNeedSpace.Include(context.Method))
            throw GrpcTranslation.Refuse(
                StatusCode.ResourceExhausted,
                $"{Method(context)}: the file system of \"{options.Root}\" is full: free some space; until then containers "
                    + "can only be inspected, killed and deleted");
    }

    /// <summary>For all calls but those that ask whether the daemon is ready.</summary>
    private Task ReadyAsync(ServerCallContext context) =>
        lifetime.Ready.IsCompleted || context.Method.StartsWith(HealthMethods, StringComparison.Ordinal)
            ? Task.CompletedTask : WaitAsync(context);

    private async Task WaitAsync(ServerCallContext context)
    {
        using var any = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime.Stopping, lifetime.Broken);
        try
        {
            await lifetime.Ready.WaitAsync(any.Token);
        }
        catch (OperationCanceledException) when (context.Deadline <= DateTime.UtcNow)
        {
            throw GrpcTranslation.Refuse(
                StatusCode.DeadlineExceeded,
                $"{Method(context)}: the daemon is still reading its journal; nothing was done, retry");
        }
    }

    /// <summary>
    /// An actor whose event cannot be written stops, and cancels its waits, before it is known that the daemon's journal is
    /// lost: waits for that, so that the caller gets the reason.
    /// </summary>
    private async Task SettledAsync(Exception exception, ServerCallContext context)
    {
        if (exception is not OperationCanceledException) return;
        using var any = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime.Stopping, lifetime.Broken);
        await Task.Delay(ReasonWithin, any.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    internal RpcException Translate(Exception exception, ServerCallContext context)
    {
        switch (exception)
        {
            case InvalidFieldException or InvalidSpecException or FilterSyntaxException:
                return GrpcTranslation.Refuse(StatusCode.InvalidArgument, exception.Message);
            case StorageException e:
                return GrpcTranslation.Refuse(Code(e.Fault), e.Message);
            case RegistryException e:
                return GrpcTranslation.Refuse(Code(e.Fault), e.Message);
            case OperationCanceledException when lifetime.WhyBroken is { } why:
                return GrpcTranslation.Refuse(StatusCode.Unavailable, why);
            case OperationCanceledException or ObjectDisposedException when lifetime.Stopping.IsCancellationRequested:
                return GrpcTranslation.Refuse(StatusCode.Unavailable, GrpcTranslation.Stopping);
            case AskTimeoutException:
            case OperationCanceledException when context.Deadline <= DateTime.UtcNow:
                return GrpcTranslation.Refuse(
                    StatusCode.DeadlineExceeded, $"{Method(context)}: no answer before the deadline; it may still happen");
            case OperationCanceledException when context.CancellationToken.IsCancellationRequested:
                return GrpcTranslation.Refuse(StatusCode.Cancelled, "the client cancelled the call");
            case OperationCanceledException:
                return GrpcTranslation.Refuse(StatusCode.Unavailable, GrpcTranslation.Stopping);
            // A write after the client disconnected: no client reads the status.
            case InvalidOperationException or IOException when context.CancellationToken.IsCancellationRequested:
                return GrpcTranslation.Refuse(StatusCode.Cancelled, "the client cancelled the call");
            default:
                Log.CallFailed(log, Method(context), exception);
                return GrpcTranslation.Refuse(StatusCode.Unknown, exception.Message);
        }
    }

    private static StatusCode Code(StorageFault fault) => fault switch
    {
        StorageFault.InvalidArgument => StatusCode.InvalidArgument,
        StorageFault.NotFound => StatusCode.NotFound,
        StorageFault.AlreadyExists => StatusCode.AlreadyExists,
        StorageFault.FailedPrecondition => StatusCode.FailedPrecondition,
        StorageFault.OutOfRange => StatusCode.OutOfRange,
        StorageFault.Unavailable => StatusCode.Unavailable,
        StorageFault.ResourceExhausted => StatusCode.ResourceExhausted,
        StorageFault.DeadlineExceeded => StatusCode.DeadlineExceeded,
        StorageFault.Unimplemented => StatusCode.Unimplemented,
        _ => StatusCode.Unknown,
    };

    private static StatusCode Code(RegistryFault fault) => fault switch
    {
        RegistryFault.InvalidArgument => StatusCode.InvalidArgument,
        RegistryFault.NotFound => StatusCode.NotFound,
        RegistryFault.Unauthenticated => StatusCode.Unauthenticated,
        RegistryFault.PermissionDenied => StatusCode.PermissionDenied,
        RegistryFault.DataLoss => StatusCode.DataLoss,
        RegistryFault.ResourceExhausted => StatusCode.ResourceExhausted,
        RegistryFault.Unavailable => StatusCode.Unavailable,
        RegistryFault.FailedPrecondition => StatusCode.FailedPrecondition,
        _ => StatusCode.Unknown,
    };

    private static string Method(ServerCallContext context) => context.Method.TrimStart('/');
}
