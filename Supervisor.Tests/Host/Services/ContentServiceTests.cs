using Containerd.Services.Content.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Services;

/// <summary>Content over the socket: blobs, ingests, labels. Codes and words are containerd 1.6.20's.</summary>
public sealed class ContentServiceTests(TestDaemon daemon) : StorageServices(daemon), IClassFixture<TestDaemon>
{
    [Fact]
    public async Task A_blob_is_written_read_labelled_and_deleted()
    {
        var digest = await WriteAsync("some content");
        Assert.Equal(DigestOf("some content"), digest);
        var info = (await Content.InfoAsync(new InfoRequest { Digest = digest }, Here)).Info;
        Assert.Equal((12, "v"), (info.Size, info.Labels["k"]));
        Assert.Equal("some content", await ReadAsync(digest, 0, 0));
        Assert.Equal("cont", await ReadAsync(digest, 5, 4));
        Assert.Equal("", await ReadAsync(digest, 12, 0));
        var past = await Assert.ThrowsAsync<RpcException>(() => ReadAsync(digest, 99, 0));
        Is(StatusCode.OutOfRange, "read past object length 12 bytes", past.Status);
        var change = new UpdateRequest
        {
            Info = new() { Digest = digest, Labels = { ["a"] = "1", ["k"] = "" } },
            UpdateMask = new FieldMask { Paths = { "labels.a", "labels.k" } },
        };
        var updated = await Content.UpdateAsync(change, Here);
        Assert.Equal($"a=1,{Root}=x",
            string.Join(',', updated.Info.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}")));
        Assert.Equal([digest], await ListContentAsync("labels.a==1"));
        Assert.Empty(await ListContentAsync("labels.k==v"));
        Is(StatusCode.NotFound, $"content digest {digest}: not found",
            await StatusAsync(Content.InfoAsync(new InfoRequest { Digest = digest }, In("elsewhere"))));
        await Content.DeleteAsync(new DeleteContentRequest { Digest = digest }, Here);
        Is(StatusCode.NotFound, $"content digest {digest}: not found",
            await StatusAsync(Content.DeleteAsync(new DeleteContentRequest { Digest = digest }, Here)));
        Assert.Empty(Files("content/blobs", digest));
    }

    [Fact]
    public async Task A_commit_with_another_size_or_digest_is_refused()
    {
        using var write = Content.Write(Here);
        await SendAsync(write, new WriteContentRequest { Ref = "bad" });
        var other = new WriteContentRequest {
            Action = WriteAction.Commit, Data = ByteString.CopyFromUtf8("x"), Expected = Missing };
        var status = await FailAsync(write, other);
        Is(StatusCode.FailedPrecondition, $"unexpected commit digest {DigestOf("x")}, expected {Missing}: failed precondition",
            status);
        using var large = Content.Write(Here);
        await SendAsync(large, new WriteContentRequest { Ref = "large", Total = 10L << 30 });
        var shorter = new WriteContentRequest {
            Action = WriteAction.Commit, Data = ByteString.CopyFromUtf8("x"), Total = 10L << 30 };
        status = await FailAsync(large, shorter);
        Is(StatusCode.FailedPrecondition, "unexpected commit size 1, expected 10737418240: failed precondition", status);
    }

    [Fact]
    public async Task The_first_message_names_the_ref_and_offsets_must_fit()
    {
        using var unnamed = Content.Write(Here);
        Is(StatusCode.InvalidArgument, "first message must have a reference",
            await FailAsync(unnamed, new WriteContentRequest()));
        using var write = Content.Write(Here);
        var begun = await SendAsync(write, new WriteContentRequest { Ref = "offset" });
        Assert.Equal((0, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (begun.Offset, begun.Digest));
        var beyond = new WriteContentRequest { Action = WriteAction.Write, Data = ByteString.CopyFromUtf8("x"), Offset = 7 };
        var status = await FailAsync(write, beyond);
        Is(StatusCode.OutOfRange, "write @7 must occur at current offset 0", status);
    }

    [Fact]
    public async Task Existing_content_is_not_written_again()
    {
        var digest = await WriteAsync("twice");
        using var expecting = Content.Write(Here);
        Is(StatusCode.AlreadyExists, $"content {digest}: already exists",
            await FailAsync(expecting, new WriteContentRequest { Ref = "again", Expected = digest }));
        using var unknowing = Content.Write(Here);
        await SendAsync(unknowing, new WriteContentRequest { Ref = "again" });
        var commit = new WriteContentRequest { Action = WriteAction.Commit, Data = ByteString.CopyFromUtf8("twice") };
        var status = await FailAsync(unknowing, commit);
        Is(StatusCode.AlreadyExists, $"content {digest}: already exists", status);
        Assert.Single(Files("content/blobs", digest));
    }

    [Fact]
    public async Task A_client_that_disconnects_mid_stream_leaves_an_ingest_that_another_can_finish()
    {
        using (var vanishing = Content.Write(Here))
        {
            await SendAsync(vanishing, new WriteContentRequest { Ref = "resumed", Total = 10 });
            await SendAsync(vanishing,
                new WriteContentRequest { Action = WriteAction.Write, Data = ByteString.CopyFromUtf8("first") });
            using var second = Content.Write(Here);
            var locked = await FailAsync(second, new WriteContentRequest { Ref = "resumed" });
            Assert.Equal(StatusCode.Unavailable, locked.StatusCode);
        }
        WriteContentResponse begun;
        for (var end = DateTime.UtcNow + Deadline; ;) // until the daemon has noticed that the first has disconnected
        {
            using var again = Content.Write(Here);
            try
            {
                begun = await SendAsync(again, new WriteContentRequest { Ref = "resumed" });
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable && DateTime.UtcNow < end)
            {
                continue;
            }
            Assert.Equal((5, 10, DigestOf("first")), (begun.Offset, begun.Total, begun.Digest));
            Assert.Equal("resumed",
                Assert.Single((await Content.ListStatusesAsync(new ListStatusesRequest(), Here)).Statuses).Ref);
            var rest = new WriteContentRequest {
                Action = WriteAction.Commit, Offset = 5, Data = ByteString.CopyFromUtf8("+last") };
            var done = await SendAsync(again, rest);
            Assert.Equal(DigestOf("first+last"), done.Digest);
            break;
        }
        Assert.Empty((await Content.ListStatusesAsync(new ListStatusesRequest(), Here)).Statuses);
    }

    [Fact]
    public async Task Two_namespaces_share_the_file_and_each_has_its_own_labels()
    {
        var digest = await WriteAsync("shared");
        var other = Namespace + "b";
        Assert.Equal(digest, await WriteAsync("shared", In(other)));
        Assert.Single(Files("content/blobs", digest));
        await Content.DeleteAsync(new DeleteContentRequest { Digest = digest }, Here);
        Assert.Single(Files("content/blobs", digest));
        await Content.DeleteAsync(new DeleteContentRequest { Digest = digest }, In(other));
        Assert.Empty(Files("content/blobs", digest));
    }
}
