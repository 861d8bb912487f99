using System.Threading.Channels;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Supervisor.Host.Daemon;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Supervisor.Host.Services;

/// <summary>
/// grpc.health.v1, for the daemon and each of its services: NOT_SERVING until the journal has been read and when the daemon
/// stops. The only service that answers before that.
/// </summary>
public sealed class HealthService : HealthServiceImpl
{
    private readonly DaemonLifetime _lifetime;

    /// <param name="lifetime">When the daemon stops.</param>
    public HealthService(DaemonLifetime lifetime)
    {
        _lifetime = lifetime;
        SetAll(ServingStatus.NotServing);
        lifetime.Stopping.Register(() => SetAll(ServingStatus.NotServing));
    }

    /// <summary>The journal has been read.</summary>
    public void BeginServing() => SetAll(ServingStatus.Serving);

    /// <summary>Ends when the daemon stops, after it has sent NOT_SERVING.</summary>
    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        var writer = new WatchedWriter(responseStream);
        var watching = base.Watch(request, writer, context);
        await Task.WhenAny(watching, StoppingAsync(context));
        if (_lifetime.Stopping.IsCancellationRequested && ServiceNames.Served.Append("").Contains(request.Service))
            await Task.WhenAny(watching, writer.NotServingAsync()).WaitAsync(context.CancellationToken);
        if (watching.IsCompleted) await watching;
        throw new OperationCanceledException(_lifetime.Stopping);
    }

    private async Task StoppingAsync(ServerCallContext context)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, _lifetime.Stopping);
        await Task.Delay(Timeout.Infinite, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void SetAll(ServingStatus status)
    {
        SetStatus("", status);
        foreach (var service in ServiceNames.Served) SetStatus(service, status);
    }

    /// <summary>Records the statuses written.</summary>
    private sealed class WatchedWriter(IServerStreamWriter<HealthCheckResponse> inner) : IServerStreamWriter<HealthCheckResponse>
    {
        private readonly Channel<ServingStatus> _written = Channel.CreateUnbounded<ServingStatus>();

        /// <summary>Completes when the last status that was written is NOT_SERVING.</summary>
        public async Task NotServingAsync()
        {
            var last = ServingStatus.Unknown;
            while (last is not ServingStatus.NotServing)
            {
                last = await _written.Reader.ReadAsync();
                while (_written.Reader.TryRead(out var later)) last = later;
            }
        }

        public WriteOptions? WriteOptions { get => inner.WriteOptions; set => inner.WriteOptions = value; }

        public async Task WriteAsync(HealthCheckResponse message)
        {
            await inner.WriteAsync(message);
            _written.Writer.TryWrite(message.Status);
        }
    }
}
