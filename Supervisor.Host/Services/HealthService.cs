using Grpc.Core;
using Grpc.Health.V1;
using Supervisor.Host.Hosting;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Supervisor.Host.Services;

/// <summary>grpc.health.v1. The one service that answers before the journal has been read: that the daemon does not serve yet.</summary>
public sealed class HealthService(DaemonLifetime lifetime) : Health.HealthBase
{
    /// <inheritdoc/>
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) =>
        request.Service.Length == 0 || ServiceNames.Served.Contains(request.Service)
            ? Task.FromResult(new HealthCheckResponse { Status = Now })
            : throw GrpcTranslation.Refuse(StatusCode.NotFound, $"service \"{request.Service}\" is not served here");

    /// <summary>The protocol keeps the stream open even for a service that is not served: it might appear.</summary>
    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        var served = request.Service.Length == 0 || ServiceNames.Served.Contains(request.Service);
        var early = !lifetime.Ready.IsCompleted;
        await responseStream.WriteAsync(
            new HealthCheckResponse { Status = served ? Now : ServingStatus.ServiceUnknown }, context.CancellationToken);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.Stopping);
        try
        {
            await lifetime.Ready.WaitAsync(either.Token);
            if (early && served) await responseStream.WriteAsync(new HealthCheckResponse { Status = Now }, either.Token);
            await Task.Delay(Timeout.Infinite, either.Token);
        }
        catch (OperationCanceledException) when (lifetime.Stopping.IsCancellationRequested && served)
        {
            await responseStream.WriteAsync(new HealthCheckResponse { Status = Now }, context.CancellationToken);
            throw;
        }
    }

    private ServingStatus Now =>
        lifetime.Ready.IsCompleted && !lifetime.Stopping.IsCancellationRequested ? ServingStatus.Serving : ServingStatus.NotServing;
}
