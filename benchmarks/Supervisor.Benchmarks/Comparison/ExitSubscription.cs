using System.Collections.Concurrent;
using System.Diagnostics;
using Containerd.Services.Events.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>A subscriber to the exits of a daemon's tasks, which notes when each has arrived.</summary>
internal sealed class ExitSubscription : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<long>> _exits = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly AsyncServerStreamingCall<Envelope> _call;
    private readonly Task _reading;

    private ExitSubscription(GrpcChannel channel)
    {
        _call = new Events.EventsClient(channel).Subscribe(new SubscribeRequest { Filters = { "topic==\"/tasks/exit\"" } },
            new Metadata { { "containerd-namespace", "bench" } }, cancellationToken: _stop.Token);
        _reading = ReadAsync();
    }

    public static async Task<ExitSubscription> OpenAsync(GrpcChannel channel)
    {
        var subscription = new ExitSubscription(channel);
        // containerd sends no headers before its first event: give it the time to subscribe.
        await Task.WhenAny(subscription._call.ResponseHeadersAsync, Task.Delay(TimeSpan.FromMilliseconds(200)));
        return subscription;
    }

    /// <returns>When the exit of a container has arrived, as <see cref="Stopwatch.GetTimestamp"/>.</returns>
    public Task<long> ArrivedAsync(string id) => Exit(id).Task.WaitAsync(Patience);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        _call.Dispose();
        _stop.Dispose();
    }

    private TaskCompletionSource<long> Exit(string id) =>
        _exits.GetOrAdd(id, _ => new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task ReadAsync()
    {
        try
        {
            while (await _call.ResponseStream.MoveNext(CancellationToken.None))
            {
                var arrived = Stopwatch.GetTimestamp();
                Exit(Containerd.Events.TaskExit.Parser.ParseFrom(_call.ResponseStream.Current.Event.Value).ContainerId)
                    .TrySetResult(arrived);
            }
        }
        catch (RpcException)
        {
            // Disposed, or the daemon has stopped: whatever waits for an exit runs into its deadline.
        }
    }
}
