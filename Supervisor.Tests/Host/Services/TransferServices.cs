using Containerd.Services.Images.V1;
using Containerd.Services.Leases.V1;
using Containerd.Services.Streaming.V1;
using Containerd.Services.Transfer.V1;
using Containerd.Types;
using Containerd.Types.Transfer;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Services;

/// <summary>Base of the tests of transfers: a client as containerd's are.</summary>
public abstract class TransferServices(TestDaemon daemon) : StorageServices(daemon)
{
    private static int _lastStream;

    protected static readonly Platform Amd64 = new() { Os = "linux", Architecture = "amd64" };

    protected Transfer.TransferClient Transfers => new(Daemon.Channel);

    protected Streaming.StreamingClient Streams => new(Daemon.Channel);

    protected static string NewStream() => $"stream-{Interlocked.Increment(ref _lastStream)}";

    protected static Any Pack(IMessage message) => new() { TypeUrl = message.Descriptor.FullName, Value =
        message.ToByteString() };

    protected static OCIRegistry At(string host, string authStream = "") => new()
    {
        Reference = $"{host}/test/image:one",
        Resolver = new RegistryResolver { DefaultScheme = "http", HostDir = "/nowhere", AuthStream = authStream },
    };

    protected static ImageStore Named(string name, bool unpack = true) => new()
    {
        Name = name, Platforms = { Amd64 },
        Unpacks = { unpack ? [new UnpackConfiguration { Platform = Amd64, Snapshotter = "overlayfs" }] : [] },
    };

    protected async Task TransferAsync(IMessage source, IMessage destination, string progress = "", CancellationToken cancel =
        default) =>
        await Transfers.TransferAsync(
            new TransferRequest {
                Source = Pack(source), Destination = Pack(destination), Options =
                    new TransferOptions { ProgressStream = progress } },
            In(Namespace, cancel));

    protected async Task<Status> FailAsync(IMessage source, IMessage destination) =>
        (await Assert.ThrowsAsync<RpcException>(() => TransferAsync(source, destination))).Status;

    /// <summary>A stream that calls can name.</summary>
    protected async Task<AsyncDuplexStreamingCall<Any, Any>> OpenAsync(string name)
    {
        var stream = Streams.Stream(Here);
        await stream.RequestStream.WriteAsync(Pack(new StreamInit { Id = name }));
        Assert.True(await stream.ResponseStream.MoveNext());
        return stream;
    }

    /// <summary>Imports an archive.</summary>
    protected async Task ImportAsync(byte[] archive, ImageStore? destination = null)
    {
        var name = NewStream();
        using var stream = await OpenAsync(name);
        var sending = SendAsync(stream, archive);
        await TransferAsync(
            new ImageImportStream { Stream = name },
            destination ?? new ImageStore { ExtraReferences =
                { new ImageReference { Name = "import", IsPrefix = true, AllowOverwrite = true } } });
        await sending;
    }

    /// <summary>Exports images.</summary>
    protected async Task<byte[]> ExportAsync(ImageExportStream destination, params string[] names)
    {
        destination.Stream = NewStream();
        using var stream = await OpenAsync(destination.Stream);
        var receiving = ReceiveAsync(stream);
        var source = new ImageStore { ExtraReferences = { names.Select(n => new ImageReference { Name = n }) } };
        await TransferAsync(source, destination);
        return await receiving;
    }

    /// <summary>What is left when the collector has run: nothing, after a transfer that failed.</summary>
    protected async Task NothingIsLeftAsync()
    {
        Assert.Empty((await Images.ListAsync(new ListImagesRequest(), Here)).Images);
        Assert.Empty((await Daemon.Leases.ListAsync(new ListRequest(), Here)).Leases);
        await Eventually.IsTrue(async () => (await ListContentAsync()).Count == 0 && (await ListSnapshotsAsync("overlayfs"))
            .Count == 0);
        Assert.Empty(
            (await Content.ListStatusesAsync(new Containerd.Services.Content.V1.ListStatusesRequest(), Here)).Statuses);
    }

    private static async Task SendAsync(AsyncDuplexStreamingCall<Any, Any> stream, byte[] bytes)
    {
        try
        {
            for (int at = 0, allowed = 0; at < bytes.Length;)
            {
                while (allowed == 0)
                {
                    if (!await stream.ResponseStream.MoveNext()) return;
                    allowed += WindowUpdate.Parser.ParseFrom(stream.ResponseStream.Current.Value).Update;
                }
                var count = Math.Min(Math.Min(bytes.Length - at, 32 * 1024), allowed);
                await stream.RequestStream.WriteAsync(Pack(new Data { Data_ = ByteString.CopyFrom(bytes, at, count) }));
                (at, allowed) = (at + count, allowed - count);
            }
            await stream.RequestStream.CompleteAsync();
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // the daemon wanted no more: its answer to the transfer says why
        }
    }

    private static async Task<byte[]> ReceiveAsync(AsyncDuplexStreamingCall<Any, Any> stream)
    {
        var bytes = new MemoryStream();
        const int window = 64 * 1024;
        for (var allowed = 0; ;)
        {
            if (allowed < window)
            {
                await stream.RequestStream.WriteAsync(Pack(new WindowUpdate { Update = window }));
                allowed += window;
            }
            if (!await stream.ResponseStream.MoveNext()) return bytes.ToArray();
            var data = Data.Parser.ParseFrom(stream.ResponseStream.Current.Value).Data_;
            Assert.True(data.Length <= allowed, "more bytes came than were allowed");
            allowed -= data.Length;
            data.WriteTo(bytes);
        }
    }
}
