using System.Collections.Concurrent;
using Containerd.Events;
using Grpc.Core;
using Supervisor.V1;
using CallOptions = Grpc.Core.CallOptions;

namespace Supervisor.Tests.Crash;

/// <summary>
/// A subscriber that reconnects after any interruption, from the number after the last that it has seen. It checks that none is
/// missing.
/// </summary>
internal sealed class HistoryReader : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Event> _seen = new();
    private readonly Task _reading;

    public HistoryReader(CrashClient client) => _reading = Read(client);

    public IReadOnlyList<Event> Seen => [.. _seen];

    /// <summary>How often the exit of each process (container, exec or "", pid) was published.</summary>
    public Dictionary<(string, string, uint), int> Exits =>
        Seen.Where(e => e.Topic == "/tasks/exit").Select(e => TaskExit.Parser.ParseFrom(e.Event_.Value))
        .GroupBy(e => (e.ContainerId, e.Id == e.ContainerId ? "" : e.Id, e.Pid)).ToDictionary(g => g.Key, g => g.Count());

    /// <summary>Processes whose start was published.</summary>
    public IEnumerable<(string, string, uint)> Starts => Seen.Select(e => e.Topic switch
    {
        "/tasks/start" when TaskStart.Parser.ParseFrom(e.Event_.Value) is var s => (s.ContainerId, "", s.Pid),
        "/tasks/exec-started" when TaskExecStarted.Parser.ParseFrom(e.Event_.Value) is var s => (s.ContainerId, s.ExecId, s.Pid),
        _ => ("", "", 0u),
    }).Where(s => s.Item3 != 0);

    public async Task Until(Func<IReadOnlyList<Event>, bool> condition)
    {
        for (var end = DateTime.UtcNow + EndToEnd.CommandLine.Patience; !condition(Seen);)
        {
            Assert.False(_reading.IsFaulted, $"{_reading.Exception?.InnerException}");
            Assert.True(DateTime.UtcNow < end,
                "the event does not arrive: " + string.Join(", ", Seen.Select(e => $"{e.Number} {e.Topic}").TakeLast(20)));
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        _stop.Dispose();
    }

    private async Task Read(CrashClient client)
    {
        var last = 0L;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var call = client.History.Subscribe(
                    new EventsSubscribeRequest { From = last + 1 }, new CallOptions(cancellationToken: _stop.Token));
                while (await call.ResponseStream.MoveNext(_stop.Token))
                {
                    var e = call.ResponseStream.Current;
                    Assert.Equal(last, e.Previous); // neither gap nor repetition
                    Assert.True(e.Number > last);
                    _seen.Enqueue(e);
                    last = e.Number;
                }
            }
            catch (Exception e) when (e is RpcException { StatusCode: not StatusCode.OutOfRange } or OperationCanceledException)
            {
                if (!_stop.IsCancellationRequested) await Task.Delay(50); // no daemon is up that could notify us
            }
        }
    }
}
