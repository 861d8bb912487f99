using Grpc.Core;
using Supervisor.Tests.Compat.Grpc.Proto;

namespace Supervisor.Tests.Compat.Grpc;

public sealed class CallTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_unary_call_answers_blocking_and_awaited()
    {
        await using var server = await EchoServer.StartAsync(new() { Unary = (ping, _) => Task.FromResult(new Pong { Text = ping.Text + "!" }) });
        var client = server.Client();
        Assert.Equal("a!", (await client.UnaryAsync(new Ping { Text = "a" })).Text);
        Assert.Equal("b!", await Task.Run(() => client.Unary(new Ping { Text = "b" }).Text).WaitAsync(Soon));
    }

    [Fact]
    public async Task A_method_that_is_not_overridden_is_unimplemented()
    {
        await using var server = await EchoServer.StartAsync(new());
        var error = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().UnaryAsync(new Ping()));
        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
    }

    [Fact]
    public async Task Client_streaming_collects_every_request()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Collect = async (pings, _) =>
            {
                var texts = new List<string>();
                while (await pings.MoveNext()) texts.Add(pings.Current.Text);
                return new Pong { Text = string.Join(",", texts) };
            },
        });
        using var call = server.Client().Collect();
        foreach (var text in new[] { "a", "b", "c" }) await call.RequestStream.WriteAsync(new Ping { Text = text }, CancellationToken.None);
        await call.RequestStream.CompleteAsync();
        Assert.Equal("a,b,c", (await call).Text);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Server_streaming_yields_every_response_in_order()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Repeat = async (ping, pongs, _) =>
            {
                for (var i = 0; i < ping.Times; i++) await pongs.WriteAsync(new Pong { Text = $"{ping.Text}{i}" });
            },
        });
        using var call = server.Client().Repeat(new Ping { Text = "x", Times = 1000 });
        var received = new List<string>();
        await foreach (var pong in call.ResponseStream.ReadAllAsync()) received.Add(pong.Text);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"x{i}"), received);
    }

    [Fact]
    public async Task Duplex_streaming_answers_each_request_while_the_call_is_open()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Chat = async (pings, pongs, context) =>
            {
                await foreach (var ping in pings.ReadAllAsync(context.CancellationToken)) await pongs.WriteAsync(new Pong { Text = ping.Text });
            },
        });
        using var call = server.Client().Chat();
        for (var i = 0; i < 100; i++)
        {
            await call.RequestStream.WriteAsync(new Ping { Text = $"{i}" });
            Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Soon));
            Assert.Equal($"{i}", call.ResponseStream.Current.Text);
        }
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext().WaitAsync(Soon));
    }

    [Fact]
    public async Task A_deadline_reaches_the_server_and_ends_the_call()
    {
        var seen = new TaskCompletionSource<DateTime>();
        var cancelled = new TaskCompletionSource();
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = async (_, context) =>
            {
                seen.TrySetResult(context.Deadline);
                using var registration = context.CancellationToken.Register(cancelled.SetResult);
                await cancelled.Task;
                throw new OperationCanceledException();
            },
        });
        var deadline = DateTime.UtcNow.AddMilliseconds(500);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().UnaryAsync(new Ping(), deadline: deadline));
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        Assert.InRange(await seen.Task.WaitAsync(Soon), deadline.AddSeconds(-5), deadline.AddSeconds(5));
        await cancelled.Task.WaitAsync(Soon);
    }

    [Fact]
    public async Task A_call_without_deadline_has_the_greatest_date_for_one()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = (_, context) => Task.FromResult(new Pong { Text = (context.Deadline == DateTime.MaxValue).ToString() }),
        });
        Assert.Equal("True", (await server.Client().UnaryAsync(new Ping())).Text);
    }

    [Fact]
    public async Task Cancelling_in_the_client_cancels_the_handler()
    {
        var entered = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        await using var server = await EchoServer.StartAsync(new()
        {
            Repeat = async (_, _, context) =>
            {
                using var registration = context.CancellationToken.Register(cancelled.SetResult);
                entered.SetResult();
                await cancelled.Task;
            },
        });
        using var cancellation = new CancellationTokenSource();
        using var call = server.Client().Repeat(new Ping(), cancellationToken: cancellation.Token);
        var read = call.ResponseStream.MoveNext();
        await entered.Task.WaitAsync(Soon);
        await cancellation.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => read.WaitAsync(Soon))).StatusCode);
        await cancelled.Task.WaitAsync(Soon);
    }

    [Fact]
    public async Task Disposing_a_call_cancels_the_handler()
    {
        var cancelled = new TaskCompletionSource();
        await using var server = await EchoServer.StartAsync(new()
        {
            Chat = async (pings, pongs, context) =>
            {
                using var registration = context.CancellationToken.Register(cancelled.SetResult);
                await pongs.WriteAsync(new Pong());
                await cancelled.Task;
            },
        });
        using (var call = server.Client().Chat()) Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Soon));
        await cancelled.Task.WaitAsync(Soon);
    }

    [Fact]
    public async Task A_handler_that_is_cancelled_ends_the_call_as_cancelled()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Repeat = async (_, pongs, _) =>
            {
                await pongs.WriteAsync(new Pong { Text = "one" });
                throw new RpcException(Status.DefaultCancelled);
            },
        });
        using var call = server.Client().Repeat(new Ping());
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Soon));
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().WaitAsync(Soon));
        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
    }

    [Fact]
    public async Task A_reader_that_stops_reading_stops_the_writer()
    {
        const int Size = 64 * 1024, Messages = 1000;
        var text = new string('x', Size);
        var blocked = new TaskCompletionSource<int>();
        await using var server = await EchoServer.StartAsync(new()
        {
            Repeat = async (_, pongs, _) =>
            {
                for (var written = 0; written < Messages; written++)
                {
                    var write = pongs.WriteAsync(new Pong { Text = text });
                    if (await Task.WhenAny(write, Task.Delay(TimeSpan.FromSeconds(1))) != write) blocked.TrySetResult(written);
                    await write;
                }
            },
        });
        using var call = server.Client().Repeat(new Ping());
        Assert.True(await call.ResponseStream.MoveNext().WaitAsync(Soon));

        var written = await blocked.Task.WaitAsync(Soon);
        Assert.InRange(written, 1, Messages / 2);       // windows and pipes hold some, never all 64 MB

        var received = 1;
        await foreach (var _ in call.ResponseStream.ReadAllAsync()) received++;
        Assert.Equal(Messages, received);
    }
}
