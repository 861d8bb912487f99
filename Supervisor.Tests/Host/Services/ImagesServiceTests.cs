using Containerd.Services.Images.V1;
using Containerd.Services.Namespaces.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Supervisor.Tests.Host.TestDaemon;

namespace Supervisor.Tests.Host.Services;

/// <summary>Images over the socket. Codes and words are containerd 1.6.20's.</summary>
public sealed class ImagesServiceTests(TestDaemon daemon) : StorageServices(daemon), IClassFixture<TestDaemon>
{
    [Fact]
    public async Task An_image_is_made_changed_listed_and_deleted()
    {
        Is(StatusCode.InvalidArgument, "Image.Name required",
            await StatusAsync(Images.CreateAsync(new CreateImageRequest { Image = new Image() }, Here)));
        Is(StatusCode.InvalidArgument, "Target.Size must be greater than zero: invalid argument",
            await StatusAsync(Images.CreateAsync(ImageOf("i", i => i.Target.Size = 0), Here)));
        Is(StatusCode.InvalidArgument, "Target.Digest \"bad\" invalid: invalid checksum digest format: invalid argument",
            await StatusAsync(Images.CreateAsync(ImageOf("i", i => i.Target.Digest = "bad"), Here)));
        var made = (await Images.CreateAsync(ImageOf("i"), Here)).Image;
        Assert.Equal(made, (await Images.GetAsync(new GetImageRequest { Name = "i" }, Here)).Image);
        Is(StatusCode.AlreadyExists, "image \"i\": already exists", await StatusAsync(Images.CreateAsync(ImageOf("i"), Here)));
        Is(StatusCode.NotFound, "image \"zz\": not found",
            await StatusAsync(Images.UpdateAsync(new UpdateImageRequest { Image = ImageOf("zz").Image }, Here)));
        var other = ImageOf("i", i => { i.Target.MediaType = "other"; i.Labels["x"] = "y"; }).Image;
        var change = new UpdateImageRequest { Image = other, UpdateMask = new FieldMask { Paths = { "labels.x" } } };
        var updated = (await Images.UpdateAsync(change, Here)).Image;
        Assert.Equal(("m", "y", made.CreatedAt), (updated.Target.MediaType, updated.Labels["x"], updated.CreatedAt));
        string[] filters = ["name==i", $"target.digest~=^{Missing[..20]}", "labels.x==y", "annotations.note==n",
            "target.mediatype==m"];
        foreach (var filter in filters)
            Assert.Equal([updated], (await Images.ListAsync(new ListImagesRequest { Filters = { filter } }, Here)).Images);
        Assert.Empty((await Images.ListAsync(new ListImagesRequest { Filters = { "name==j" } }, Here)).Images);
        Is(StatusCode.FailedPrecondition,
            await StatusAsync(Daemon.Namespaces.DeleteAsync(new DeleteNamespaceRequest { Name = Namespace }, In(null))));
        await Images.DeleteAsync(new DeleteImageRequest { Name = "i" }, Here);
        await Daemon.Namespaces.DeleteAsync(new DeleteNamespaceRequest { Name = Namespace }, In(null));
    }
}
