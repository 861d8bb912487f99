using Grpc.Core;
using Grpc.Core.Interceptors;
using Supervisor.Kernel;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.ShimClient;
using Supervisor.Runtime.Stdio;

namespace Supervisor.ShimService;

/// <summary>Errors as the statuses that containerd's clients act on.</summary>
internal sealed class ErrorInterceptor : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Translate(e);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Translate(e);
        }
    }

    public static RpcException Refuse(StatusCode code, string message) => new(new Status(code, ErrorText.Cut(message)));

    private static RpcException Translate(Exception e) => Refuse(
        e switch
        {
            InvalidSpecException or InvalidStdioException => StatusCode.InvalidArgument,
            DescriptorsExhaustedException or SubscriberTooSlowException => StatusCode.ResourceExhausted,
            TimeoutException or OperationCanceledException => StatusCode.DeadlineExceeded,
            ShimLostException => StatusCode.Unavailable,
            FileNotFoundException => StatusCode.FailedPrecondition, // criu
            InvalidOperationException => StatusCode.FailedPrecondition,
            _ => StatusCode.Unknown,
        },
        e.Message);
}
