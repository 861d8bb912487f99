using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Rootfs;

/// <summary>Many containers at once, each with a tmpfs that is a copy of the directory beneath.</summary>
[Collection(Alone.Name)] // other tests count descriptors of this process
public sealed class FilledTmpfsTests : IDisposable
{
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    /// <summary>
    /// A child cloned by another thread while a file is copied holds a copy of its descriptor until its exec.
    /// </summary>
    [Fact]
    public async Task Every_copied_tmpfs_becomes_read_only()
    {
        var image = Path.Join(_containers.Place, "image");
        foreach (var directory in (string[])["bin", "data", "proc", "sys", "dev", "tmp", "run"])
            Directory.CreateDirectory(Path.Join(image, directory));
        ProgramCopy.OfBusybox(Path.Join(image, "bin", "busybox"));
        await File.WriteAllBytesAsync(Path.Join(image, "data", "large"), new byte[4_000_000]);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 8; i++)
            {
                var outcome = await _containers.RunAsync(["/bin/busybox", "true"], spec => spec with
                {
                    Root = new RootSpec { Path = image },
                    Mounts =
                    [
                        .. spec.Mounts,
                        new MountSpec { Destination = "/data", Type = "tmpfs", Source = "tmpfs", Options = ["ro", "tmpcopyup"] },
                    ],
                }, root: []);
                Assert.Equal(("", 0), (outcome.Output, outcome.Status));
            }
        })));
    }
}
