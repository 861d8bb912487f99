using System.Security.Cryptography;
using System.Text;
using Supervisor.Storage;
using Supervisor.Storage.Content;
using Supervisor.Storage.Files;

namespace Supervisor.Tests.Storage.Content;

/// <summary>Blobs and ingests on the real filesystem.</summary>
public sealed class ContentStoreTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;
    private readonly DirectoryInfo _base = Directory.CreateTempSubdirectory("supervisor-content-");
    private ContentStore _store;

    public ContentStoreTests() => _store = NewStore();

    public void Dispose() => _base.Delete(recursive: true);

    private ContentStore NewStore() =>
        new(_base.FullName, TestLimits.Ample with { BlobSize = 1 << 20, Ingests = 3 }, new UniqueNames());

    [Fact]
    public void An_ingest_resumes_where_it_stopped_even_after_a_restart()
    {
        using (var first = Open("r")) first.Append("hel"u8, Now);
        _store = NewStore();
        Assert.Equal(3, _store.Status("n", "r").Offset);
        using var second = Open("r");
        Assert.Equal(3, second.Offset);
        second.Append("lo"u8, Now);
        var blob = second.Publish(5, Of("hello"));
        using var file = _store.TryOpen(blob.File)!;
        Assert.Equal(5, RandomAccess.GetLength(file));
        Assert.Throws<StorageException>(() => _store.Status("n", "r"));
    }

    [Fact]
    public void A_ref_has_one_writer_at_a_time()
    {
        using var first = Open("r");
        var e = Assert.Throws<StorageException>(() => Open("r"));
        Assert.Equal(StorageFault.Unavailable, e.Fault);
        Assert.StartsWith("ref r locked", e.Message, StringComparison.Ordinal);
        using var other = _store.Open("m", "r", 0, null, Now, default); // in another namespace
        Assert.Equal(StorageFault.Unavailable, Assert.Throws<StorageException>(() => _store.Abort("n", "r")).Fault);
    }

    [Fact]
    public void The_times_of_an_ingest_are_the_same_for_its_writer_for_others_and_when_reopened()
    {
        var (began, wrote) = (Now, Now.AddTicks(12_345_678));
        using (var ingest = _store.Open("n", "r", 0, null, began, default))
        {
            ingest.Append("hello"u8, wrote);
            Assert.Equal((began, wrote), (ingest.StartedAt, ingest.UpdatedAt));
            Assert.Equal((began, wrote), (_store.Status("n", "r").StartedAt, _store.Status("n", "r").UpdatedAt));
        }
        var restarted = new DateTimeOffset(wrote.AddSeconds(1).Ticks, TimeSpan.Zero);
        using (var again = Open("r"))
        {
            Assert.Equal((began, wrote), (again.StartedAt, again.UpdatedAt));
            again.Truncate(restarted); // its client starts over, and has written nothing yet
            Assert.Equal(restarted, again.UpdatedAt);
            Assert.Equal(restarted, _store.Status("n", "r").UpdatedAt);
        }
        using var last = Open("r");
        Assert.Equal((began, restarted, 0L), (last.StartedAt, last.UpdatedAt, last.Offset));
        using var empty = _store.Open("n", "empty", 0, null, began, default);
        Assert.Equal((began, began), (empty.UpdatedAt, _store.Status("n", "empty").UpdatedAt));
    }

    [Fact]
    public async Task A_ref_can_be_opened_while_its_writer_closes()
    {
        var first = Open("r");
        var second = Task.Run(() => Open("r"));
        await Task.Delay(50);
        first.Dispose();
        (await second.WaitAsync(TimeSpan.FromSeconds(10))).Dispose();
    }

    [Fact]
    public void A_wrong_digest_or_size_is_refused_and_the_ingest_is_kept()
    {
        using var ingest = Open("r");
        ingest.Append("hello"u8, Now);
        Assert.Equal(StorageFault.FailedPrecondition, Assert.Throws<StorageException>(() => ingest.Publish(6, null)).Fault);
        Assert.Contains(
            "unexpected commit digest", Assert.Throws<StorageException>(() => ingest.Publish(0, Of("other"))).Message,
            StringComparison.Ordinal);
        Assert.Equal(5, _store.Status("n", "r").Offset);
        Assert.Empty(Directory.GetFiles(Path.Join(_base.FullName, "blobs", "sha256")));
    }

    [Fact]
    public void Sha512_is_computed_on_request()
    {
        using var ingest = Open("r");
        ingest.Append("hello"u8, Now);
        var expected = Digest.Parse("sha512:" + Convert.ToHexStringLower(SHA512.HashData("hello"u8)));
        Assert.Equal(expected, ingest.Publish(0, expected).Digest);
    }

    [Fact]
    public void Truncating_starts_over()
    {
        using var ingest = Open("r");
        ingest.Append("wrong"u8, Now);
        ingest.Truncate(Now);
        ingest.Append("hello"u8, Now);
        Assert.Equal(Of("hello"), ingest.Publish(5, null).Digest);
    }

    [Fact]
    public void An_oversized_blob_is_refused_when_announced_and_when_written()
    {
        Assert.Equal(
            StorageFault.ResourceExhausted,
            Assert.Throws<StorageException>(() => _store.Open("n", "r", 10L << 30, null, Now, default)).Fault);
        using var ingest = Open("r");
        ingest.Append(new byte[1 << 20], Now);
        Assert.Equal(StorageFault.ResourceExhausted, Assert.Throws<StorageException>(() => ingest.Append("x"u8, Now)).Fault);
        Assert.Equal(1 << 20, ingest.Offset);
    }

    [Fact]
    public void The_number_of_ingests_is_limited()
    {
        for (var i = 0; i < 3; i++) Open($"r{i}").Dispose();
        Assert.Equal(StorageFault.ResourceExhausted, Assert.Throws<StorageException>(() => Open("r3")).Fault);
        _store.Abort("n", "r0");
        Open("r3").Dispose();
    }

    [Fact]
    public void A_sweep_removes_unrecorded_blobs_and_keeps_recorded_ones()
    {
        StoredBlob kept, lost;
        using (var a = Open("a"))
        {
            a.Append("a"u8, Now);
            kept = a.Publish(0, null);
        }
        using (var b = Open("b"))
        {
            b.Append("b"u8, Now);
            lost = b.Publish(0, null);
        }
        NewStore().RemoveAllBut(new HashSet<string> { kept.File });
        Assert.NotNull(_store.TryOpen(kept.File));
        Assert.Null(_store.TryOpen(lost.File));
    }

    [Fact]
    public void Directories_are_accessible_to_their_owner_only()
    {
        Open("r").Dispose();
        foreach (var directory in _base.GetDirectories("*", SearchOption.AllDirectories))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, directory.UnixFileMode);
    }

    [Theory]
    [InlineData("bogus")]
    [InlineData("sha256:12")]
    [InlineData("sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("md5:d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("sha256:../../../../../../../../../../../../../../../../../../../etc/passwd")]
    public void A_malformed_digest_is_refused(string text) =>
        Assert.Equal(StorageFault.InvalidArgument, Assert.Throws<StorageException>(() => Digest.Parse(text)).Fault);

    private Ingest Open(string reference) => _store.Open("n", reference, 0, null, Now, default);

    private static Digest Of(string text) => Digest.Of(HashAlgorithmName.SHA256, SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
