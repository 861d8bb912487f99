using System.Security.Cryptography;
using System.Text;
using Containerd.Services.Content.V1;
using Containerd.Services.Diff.V1;
using Containerd.Services.Images.V1;
using Containerd.Services.Snapshots.V1;
using Containerd.Types;
using Google.Protobuf;
using Grpc.Core;
using static Supervisor.Tests.Host.TestDaemon;
using Info = Containerd.Services.Snapshots.V1.Info;
using Status = Grpc.Core.Status;

namespace Supervisor.Tests.Host.Services;

/// <summary>Base of the tests of one storage service: a daemon's storage clients in a namespace of their own.</summary>
public abstract class StorageServices(TestDaemon daemon)
{
    protected const string Missing = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    private static int _last;

    protected TestDaemon Daemon { get; } = daemon;

    protected string Namespace { get; } = $"storage{Interlocked.Increment(ref _last)}";

    protected Content.ContentClient Content => new(Daemon.Channel);

    protected Images.ImagesClient Images => new(Daemon.Channel);

    protected Snapshots.SnapshotsClient Snapshots => new(Daemon.Channel);

    protected Diff.DiffClient Diffs => new(Daemon.Channel);

    protected CallOptions Here => In(Namespace);

    protected const string Root = "containerd.io/gc.root";

    protected static CreateImageRequest ImageOf(string name, Action<Image>? change = null)
    {
        var target = new ContentDescriptor { MediaType = "m", Digest = Missing, Size = 5, Annotations = { ["note"] = "n" } };
        var image = new Image { Name = name, Target = target };
        change?.Invoke(image);
        return new CreateImageRequest { Image = image };
    }

    protected Task<string> WriteAsync(string text, CallOptions? options = null, string? label = Root) =>
        WriteAsync(Encoding.UTF8.GetBytes(text), options, label);

    /// <returns>The digest.</returns>
    protected async Task<string> WriteAsync(byte[] bytes, CallOptions? options = null, string? label = Root)
    {
        using var write = Content.Write(options ?? Here);
        await SendAsync(write, new WriteContentRequest { Ref = $"write-{Guid.NewGuid()}", Total = bytes.Length });
        await SendAsync(write, new WriteContentRequest { Action = WriteAction.Write, Data = ByteString.CopyFrom(bytes) });
        var commit = new WriteContentRequest { Action = WriteAction.Commit, Offset = bytes.Length, Labels = { ["k"] = "v" } };
        if (label is not null) commit.Labels[label] = "x";
        var committed = await SendAsync(write, commit);
        return committed.Digest;
    }

    protected static async Task<WriteContentResponse> SendAsync(
        AsyncDuplexStreamingCall<WriteContentRequest, WriteContentResponse> write, WriteContentRequest message)
    {
        await write.RequestStream.WriteAsync(message);
        Assert.True(await write.ResponseStream.MoveNext());
        return write.ResponseStream.Current;
    }

    protected static async Task<Status> FailAsync(
        AsyncDuplexStreamingCall<WriteContentRequest, WriteContentResponse> write, WriteContentRequest message)
    {
        await write.RequestStream.WriteAsync(message);
        return (await Assert.ThrowsAsync<RpcException>(() => write.ResponseStream.MoveNext())).Status;
    }

    protected async Task<string> ReadAsync(string digest, long offset, long size)
    {
        using var read = Content.Read(new ReadContentRequest { Digest = digest, Offset = offset, Size = size }, Here);
        var text = new StringBuilder();
        while (await read.ResponseStream.MoveNext()) text.Append(read.ResponseStream.Current.Data.ToStringUtf8());
        return text.ToString();
    }

    protected async Task<List<string>> ListContentAsync(params string[] filters)
    {
        using var list = Content.List(new ListContentRequest { Filters = { filters } }, Here);
        var digests = new List<string>();
        while (await list.ResponseStream.MoveNext()) digests.AddRange(list.ResponseStream.Current.Info.Select(i => i.Digest));
        return digests;
    }

    protected async Task<List<Info>> ListSnapshotsAsync(string snapshotter, params string[] filters)
    {
        using var list = Snapshots.List(new ListSnapshotsRequest { Snapshotter = snapshotter, Filters = { filters } }, Here);
        var infos = new List<Info>();
        while (await list.ResponseStream.MoveNext()) infos.AddRange(list.ResponseStream.Current.Info);
        return infos;
    }

    protected string[] Files(string directory, string digest) =>
        Directory.GetFiles(Path.Join(Daemon.Base, "root", directory), digest[7..] + "*", SearchOption.AllDirectories);

    protected static string DigestOf(string text) =>
        "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>The mounts of a writable snapshot, protected from collection.</summary>
    protected async Task<IReadOnlyList<Mount>> PrepareAsync(string snapshotter, string key, string parent = "")
    {
        var request = new PrepareSnapshotRequest {
            Snapshotter = snapshotter, Key = key, Parent = parent, Labels = { [Root] = "x" } };
        return (await Snapshots.PrepareAsync(request, Here)).Mounts;
    }

    protected async Task<IReadOnlyList<Mount>> ViewAsync(string snapshotter, string key, string parent)
    {
        var request = new ViewSnapshotRequest {
            Snapshotter = snapshotter, Key = key, Parent = parent, Labels = { [Root] = "x" } };
        return (await Snapshots.ViewAsync(request, Here)).Mounts;
    }

    protected async Task CommitAsync(string snapshotter, string key, string name)
    {
        var request = new CommitSnapshotRequest { Snapshotter = snapshotter, Key = key, Name = name, Labels = { [Root] = "x" } };
        await Snapshots.CommitAsync(request, Here);
    }

    protected static void Is(StatusCode code, Status status) => Assert.Equal(code, status.StatusCode);

    protected static void Is(StatusCode code, string message, Status status) =>
        Assert.Equal((code, message), (status.StatusCode, status.Detail));
}
