using System.IO.Compression;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Compression;
using Supervisor.Tests.Compat.Grpc.Proto;

namespace Supervisor.Tests.Compat.Grpc;

public sealed class MetadataTests
{
    [Fact]
    public void Keys_are_lower_case_and_checked()
    {
        Assert.Equal("x-one.2_3", new Metadata.Entry("X-One.2_3", "v").Key);
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("a b", "v"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("ä", "v"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("key-bin", "text under a binary key"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("key", [1]));
        Assert.Throws<ArgumentNullException>(() => new Metadata.Entry("key", (string)null!));
    }

    [Fact]
    public void A_binary_value_is_a_copy_and_has_no_text()
    {
        byte[] bytes = [1, 2, 3];
        var entry = new Metadata.Entry("key-bin", bytes);
        bytes[0] = 9;
        entry.ValueBytes[1] = 9;
        Assert.True(entry.IsBinary);
        Assert.Equal([1, 2, 3], entry.ValueBytes);
        Assert.Throws<InvalidOperationException>(() => entry.Value);
    }

    [Fact]
    public void The_last_of_several_values_is_the_one_got()
    {
        var metadata = new Metadata { { "a", "1" }, { "b", "2" }, { "a", "3" } };
        Assert.Equal("3", metadata.GetValue("a"));
        Assert.Equal(["1", "3"], metadata.GetAll("a").Select(e => e.Value));
        Assert.Null(metadata.Get("c"));
        Assert.Null(metadata.GetValueBytes("c"));
    }

    [Fact]
    public void The_empty_metadata_stays_empty()
    {
        Assert.True(Metadata.Empty.IsReadOnly);
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("a", "b"));
        Assert.Empty(Metadata.Empty);
    }

    [Fact]
    public void Call_options_change_in_copies()
    {
        var at = DateTime.UtcNow;
        var first = new CallOptions(deadline: at);
        var second = first.WithHeaders([]).WithWaitForReady().WithDeadline(at.AddSeconds(1)).WithWriteOptions(new WriteOptions(WriteFlags.NoCompress));
        Assert.Null(first.Headers);
        Assert.Equal(at, first.Deadline);
        Assert.False(first.IsWaitForReady);
        Assert.Equal(at.AddSeconds(1), second.Deadline);
        Assert.True(second.IsWaitForReady);
        Assert.Equal(WriteFlags.NoCompress, second.WriteOptions!.Flags);
    }

    [Fact]
    public async Task Headers_and_trailers_cross_both_ways_with_binary_values()
    {
        byte[] binary = [0, 255, 10, 13, 128];
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = async (_, context) =>
            {
                var headers = context.RequestHeaders;
                await context.WriteResponseHeadersAsync(new Metadata { { "back", headers.GetValue("there")! }, { "bytes-bin", headers.GetValueBytes("bytes-bin")! } });
                foreach (var entry in headers.GetAll("many")) context.ResponseTrailers.Add("many", entry.Value);
                context.ResponseTrailers.Add("end-bin", binary);
                return new Pong();
            },
        });
        var sent = new Metadata { { "There", "hello" }, { "bytes-bin", binary }, { "many", "1" }, { "many", "2" } };
        using var call = server.Client().UnaryAsync(new Ping(), sent);
        var headers = await call.ResponseHeadersAsync;
        await call;
        Assert.Equal("hello", headers.GetValue("back"));
        Assert.Equal(binary, headers.GetValueBytes("bytes-bin"));
        var trailers = call.GetTrailers();
        Assert.Equal(binary, trailers.GetValueBytes("end-bin"));
        Assert.Equal("1,2", string.Join(",", trailers.GetAll("many").Select(e => e.Value)).Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failure_carries_its_code_detail_and_trailers()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = (_, _) => throw new RpcException(
                new Status(StatusCode.FailedPrecondition, "task ☃ is paused\n100%"), new Metadata { { "why", "paused" } }),
        });
        var error = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().UnaryAsync(new Ping()));
        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
        Assert.Equal("task ☃ is paused\n100%", error.Status.Detail);
        Assert.Equal("paused", error.Trailers.GetValue("why"));
        Assert.Contains("paused", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_status_set_by_the_handler_is_the_status_of_the_call()
    {
        await using var server = await EchoServer.StartAsync(new()
        {
            Unary = (_, context) =>
            {
                context.Status = new Status(StatusCode.DataLoss, "half of it");
                return Task.FromResult(new Pong());
            },
        });
        var error = await Assert.ThrowsAsync<RpcException>(async () => await server.Client().UnaryAsync(new Ping()));
        Assert.Equal(new Status(StatusCode.DataLoss, "half of it").ToString(), new Status(error.StatusCode, error.Status.Detail).ToString());
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Messages_are_compressed_both_ways(string encoding)
    {
        var text = new string('z', 100_000);
        var wire = new WireProbe();
        await using var server = await EchoServer.StartAsync(
            new() { Unary = (ping, _) => Task.FromResult(new Pong { Text = ping.Text }) },
            options =>
            {
                options.CompressionProviders = [new GzipCompressionProvider(CompressionLevel.Fastest), new DeflateCompressionProvider(CompressionLevel.Fastest)];
                options.ResponseCompressionAlgorithm = encoding;
                options.ResponseCompressionLevel = CompressionLevel.Optimal;
            });
        var client = new Echo.EchoClient(server.Channel(
            transport => wire.Over(transport),
            options => options.CompressionProviders = [new GzipCompressionProvider(CompressionLevel.Fastest), new DeflateCompressionProvider(CompressionLevel.Fastest)]));
        var reply = await client.UnaryAsync(new Ping { Text = text }, new Metadata { { "grpc-internal-encoding-request", encoding } });
        Assert.Equal(text, reply.Text);
        Assert.Equal(encoding, wire.RequestEncoding);
        Assert.Equal(encoding, wire.ResponseEncoding);
    }

    [Fact]
    public async Task A_message_over_the_servers_limit_is_refused()
    {
        await using var server = await EchoServer.StartAsync(
            new() { Unary = (_, _) => Task.FromResult(new Pong()) }, options => options.MaxReceiveMessageSize = 1000);
        var client = server.Client();
        await client.UnaryAsync(new Ping { Text = new string('x', 900) });
        var error = await Assert.ThrowsAsync<RpcException>(async () => await client.UnaryAsync(new Ping { Text = new string('x', 1100) }));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    [Fact]
    public async Task A_message_over_the_clients_limit_is_refused()
    {
        await using var server = await EchoServer.StartAsync(new() { Unary = (_, _) => Task.FromResult(new Pong { Text = new string('x', 1100) }) });
        var client = new Echo.EchoClient(server.Channel(configure: options => options.MaxReceiveMessageSize = 1000));
        var error = await Assert.ThrowsAsync<RpcException>(async () => await client.UnaryAsync(new Ping()));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    [Fact]
    public async Task Interceptors_see_calls_in_their_documented_order()
    {
        await using var server = await EchoServer.StartAsync(
            new() { Unary = (_, context) => Task.FromResult(new Pong { Text = $"{context.UserState["server"]}:{string.Join("", context.RequestHeaders.GetAll("by").Select(e => e.Value))}" }) },
            options => options.Interceptors.Add<MarkingServerInterceptor>());
        var invoker = server.Channel()
            .Intercept(headers => { headers.Add("by", "3"); return headers; })
            .Intercept(new MarkingClientInterceptor("1"), new MarkingClientInterceptor("2"));
        var reply = await new Echo.EchoClient(invoker).UnaryAsync(new Ping());
        Assert.Equal("marked:123", reply.Text.Replace(",", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_interceptor_sees_streams_and_may_turn_errors_into_statuses()
    {
        await using var server = await EchoServer.StartAsync(
            new() { Repeat = (_, _, _) => throw new InvalidOperationException("broken") },
            options => options.Interceptors.Add<MarkingServerInterceptor>());
        using var call = server.Client().Repeat(new Ping());
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal((StatusCode.Aborted, "broken"), (error.StatusCode, error.Status.Detail));
    }

    [Fact]
    public void Credentials_tell_the_channel_what_they_are_made_of()
    {
        var call = CallCredentials.FromInterceptor((_, _) => Task.CompletedTask);
        Assert.Throws<ArgumentException>(() => ChannelCredentials.Create(ChannelCredentials.Insecure, call));
        Assert.NotNull(ChannelCredentials.Create(ChannelCredentials.SecureSsl, CallCredentials.Compose(call, call)));
    }

    [Fact]
    public async Task Call_credentials_add_to_the_headers()
    {
        await using var server = await EchoServer.StartAsync(new() { Unary = (_, context) => Task.FromResult(new Pong { Text = context.RequestHeaders.GetValue("authorization") }) });
        var client = new Echo.EchoClient(server.Channel(configure: options => options.UnsafeUseInsecureChannelCallCredentials = true));
        var first = CallCredentials.FromInterceptor((context, headers) =>
        {
            headers.Add("authorization", $"for {new Uri(context.ServiceUrl).AbsolutePath}");
            return Task.CompletedTask;
        });
        var second = CallCredentials.FromInterceptor((_, headers) => { headers.Add("x", "y"); return Task.CompletedTask; });
        var reply = await client.UnaryAsync(new Ping(), new CallOptions(credentials: CallCredentials.Compose(first, second)));
        Assert.Equal("for /supervisor.tests.Echo", reply.Text);
    }

    [Fact]
    public void A_client_with_a_host_names_it_in_every_call()
    {
        var hosts = new HostRecorder();
        var client = new Echo.EchoClient(hosts).WithHost("other");
        client.Unary(new Ping());
        client.Repeat(new Ping());
        Assert.Equal(["other", "other"], hosts.Seen);
        Assert.Throws<ArgumentNullException>(() => client.WithHost(null!));
    }

    [Fact]
    public void A_marshaller_made_from_one_pair_of_functions_offers_the_other()
    {
        var plain = Marshallers.StringMarshaller;
        var contextual = Marshallers.Create(plain.ContextualSerializer, plain.ContextualDeserializer);
        Assert.Equal("grüße", contextual.Deserializer(contextual.Serializer("grüße")));
        var silent = Marshallers.Create<string>((_, _) => { }, _ => "");
        Assert.Throws<InvalidOperationException>(() => silent.Serializer("x"));
    }

    private sealed class MarkingClientInterceptor(string name) : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            var headers = context.Options.Headers ?? [];
            headers.Add("by", name);
            return continuation(request, new(context.Method, context.Host, context.Options.WithHeaders(headers)));
        }
    }

    private sealed class MarkingServerInterceptor : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            context.UserState["server"] = "marked";
            return continuation(request, context);
        }

        public override async Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request,
            IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
        {
            try
            {
                await continuation(request, responseStream, context);
            }
            catch (InvalidOperationException e)
            {
                throw new RpcException(new Status(StatusCode.Aborted, e.Message));
            }
        }
    }

    private sealed class HostRecorder : CallInvoker
    {
        public List<string?> Seen { get; } = [];

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => Record<TResponse>(host);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => Record<AsyncUnaryCall<TResponse>>(host);

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => Record<AsyncServerStreamingCall<TResponse>>(host);

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => Record<AsyncClientStreamingCall<TRequest, TResponse>>(host);

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => Record<AsyncDuplexStreamingCall<TRequest, TResponse>>(host);

        private T Record<T>(string? host)
        {
            Seen.Add(host);
            return default!;
        }
    }

    private sealed class WireProbe : DelegatingHandler
    {
        public string? RequestEncoding { get; private set; }
        public string? ResponseEncoding { get; private set; }

        public WireProbe Over(HttpMessageHandler transport)
        {
            InnerHandler = transport;
            return this;
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            RequestEncoding = request.Headers.TryGetValues("grpc-encoding", out var sent) ? string.Join(",", sent) : null;
            ResponseEncoding = response.Headers.TryGetValues("grpc-encoding", out var got) ? string.Join(",", got) : null;
            return response;
        }
    }
}
