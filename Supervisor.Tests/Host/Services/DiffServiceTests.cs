using Containerd.Services.Content.V1;
using Containerd.Services.Diff.V1;
using Containerd.Types;
using Grpc.Core;
using Supervisor.Tests.Storage;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Services;

/// <summary>Layers over the socket: applied, and created as a diff. Codes and words are containerd 1.6.20's.</summary>
public sealed class DiffServiceTests(TestDaemon daemon) : StorageServices(daemon), IClassFixture<TestDaemon>
{
    [Fact]
    public async Task A_layer_is_unpacked_and_a_diff_of_the_changes_is_created()
    {
        var tar = new TarImage().Directory("etc").File("etc/hosts", "127.0.0.1").Bytes();
        var digest = await WriteAsync(tar);
        var mounts = await PrepareAsync("overlayfs", "x");
        var descriptor = new ContentDescriptor {
            MediaType = "application/vnd.oci.image.layer.v1.tar", Digest = digest, Size = tar.Length };
        var applied = (await Diffs.ApplyAsync(new ApplyRequest { Diff = descriptor, Mounts = { mounts } }, Here)).Applied;
        Assert.Equal(descriptor, applied);
        await CommitAsync("overlayfs", "x", "base");
        var top = await PrepareAsync("overlayfs", "y", "base");
        var upper = top[0].Options.Single(o => o.StartsWith("upperdir=", StringComparison.Ordinal))[9..];
        File.WriteAllText(Path.Join(upper, "new"), "1");
        var view = await ViewAsync("overlayfs", "v", "base");
        var change = new DiffRequest { Left = { view }, Right = { top }, Labels = { [Root] = "x" } };
        var diff = (await Diffs.DiffAsync(change, Here)).Diff;
        Assert.Equal("application/vnd.oci.image.layer.v1.tar+gzip", diff.MediaType);
        var label = (await Content.InfoAsync(
            new InfoRequest { Digest = diff.Digest }, Here)).Info.Labels["containerd.io/uncompressed"];
        Assert.StartsWith("sha256:", label, StringComparison.Ordinal);
        var target = await PrepareAsync("overlayfs", "z");
        Assert.Equal(label, (await Diffs.ApplyAsync(new ApplyRequest { Diff = diff, Mounts = { target } }, Here)).Applied.Digest);
        Assert.Equal(["new"], Directory.GetFileSystemEntries(target[0].Source).Select(p => Path.GetFileName(p)));
        var unknown = new ContentDescriptor { MediaType = "x", Digest = digest };
        Is(StatusCode.Unimplemented,
            await StatusAsync(Diffs.ApplyAsync(new ApplyRequest { Diff = unknown, Mounts = { target } }, Here)));
        var missing = new ContentDescriptor { MediaType = "x", Digest = Missing };
        Is(StatusCode.NotFound,
            await StatusAsync(Diffs.ApplyAsync(new ApplyRequest { Diff = missing, Mounts = { target } }, Here)));
        var climbing = await WriteAsync(new TarImage().File("../../climbed").Bytes());
        var climber = new ContentDescriptor { MediaType = descriptor.MediaType, Digest = climbing };
        var refused = await StatusAsync(Diffs.ApplyAsync(new ApplyRequest { Diff = climber, Mounts = { target } }, Here));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("escapes the root", refused.Detail, StringComparison.Ordinal);
    }
}
