using System.Security.Cryptography;
using Containerd.Services.Content.V1;
using Containerd.Services.Snapshots.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Supervisor.Tests.Host;

namespace Supervisor.Tests.EndToEnd;

/// <summary>
/// A daemon killed during writes: interrupted ingests resume, acknowledged changes are there, and nothing else is.
/// </summary>
public sealed class StorageCrashTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;

    public async Task InitializeAsync() => _daemon = await DaemonProcess.StartAsync();

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Fact]
    public async Task A_write_interrupted_by_kill_9_resumes_where_it_stopped()
    {
        var bytes = RandomNumberGenerator.GetBytes(3 << 20);
        using (var channel = TestDaemon.Connect(_daemon.Address))
        {
            using var write = Client(channel).Write(Here);
            await SendAsync(write, new WriteContentRequest { Ref = "big", Total = bytes.Length });
            await SendAsync(write,
                new WriteContentRequest { Action = WriteAction.Write, Data = ByteString.CopyFrom(bytes, 0, 1 << 20) });
            await SendAsync(
                write, new WriteContentRequest { Action = WriteAction.Write, Offset = 1 << 20,
                Data = ByteString.CopyFrom(bytes, 1 << 20, 1 << 20) });
            await _daemon.KillAsync();
        }
        await _daemon.RestartAsync();
        using var again = TestDaemon.Connect(_daemon.Address);
        using var rest = Client(again).Write(Here);
        var begun = await SendAsync(rest, new WriteContentRequest { Ref = "big" });
        Assert.Equal((2 << 20, bytes.Length), (begun.Offset, begun.Total));
        var done = await SendAsync(
            rest, new WriteContentRequest { Action = WriteAction.Commit, Offset = 2 << 20,
            Data = ByteString.CopyFrom(bytes, 2 << 20, 1 << 20) });
        Assert.Equal("sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes)), done.Digest);
    }

    [Fact]
    public async Task Acknowledged_changes_survive_kill_9()
    {
        string digest;
        using (var channel = TestDaemon.Connect(_daemon.Address))
        {
            using var write = Client(channel).Write(Here);
            await SendAsync(write, new WriteContentRequest { Ref = "small" });
            digest = (
                await SendAsync(
                write, new WriteContentRequest { Action = WriteAction.Commit, Data = ByteString.CopyFromUtf8("kept"),
                Labels = { ["containerd.io/gc.root"] = "x" } })).Digest;
            await new Snapshots.SnapshotsClient(channel).PrepareAsync(
                new PrepareSnapshotRequest { Snapshotter = "overlayfs", Key = "k", Labels = { ["containerd.io/gc.root"] = "x" } },
                    Here);
            await _daemon.KillAsync();
        }
        await _daemon.RestartAsync();
        using var again = TestDaemon.Connect(_daemon.Address);
        using var read = Client(again).Read(new ReadContentRequest { Digest = digest }, Here);
        Assert.True(await read.ResponseStream.MoveNext());
        Assert.Equal("kept", read.ResponseStream.Current.Data.ToStringUtf8());
        var mounts = (
            await new Snapshots.SnapshotsClient(again)
            .MountsAsync(new MountsRequest { Snapshotter = "overlayfs", Key = "k" }, Here)).Mounts;
        Assert.True(Directory.Exists(Assert.Single(mounts).Source));
    }

    private CallOptions Here => TestDaemon.In(_daemon.Namespace);

    private static Content.ContentClient Client(GrpcChannel channel) => new(channel);

    private static async Task<WriteContentResponse> SendAsync(
        AsyncDuplexStreamingCall<WriteContentRequest, WriteContentResponse> write, WriteContentRequest message)
    {
        await write.RequestStream.WriteAsync(message);
        Assert.True(await write.ResponseStream.MoveNext());
        return write.ResponseStream.Current;
    }
}
