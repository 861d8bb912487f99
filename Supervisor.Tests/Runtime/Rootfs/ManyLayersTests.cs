using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.Rootfs;

namespace Supervisor.Tests.Runtime.Rootfs;

/// <summary>mount(2) takes a page of options, into which an overlay of many layers must fit.</summary>
public sealed class ManyLayersTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Fact]
    public async Task A_root_of_two_hundred_layers_shows_all_of_them()
    {
        const int count = 200;
        var layers = Enumerable.Range(0, count).Select(i => Path.Join(_containers.Place, "layers", $"{i:d4}", "fs")).ToArray();
        for (var i = 0; i < count; i++)
        {
            Directory.CreateDirectory(Path.Join(layers[i], "seen"));
            File.WriteAllText(Path.Join(layers[i], "seen", $"{i}"), "");
        }
        foreach (var directory in (string[])["bin", "proc", "sys", "dev", "tmp", "run", "etc"])
            Directory.CreateDirectory(Path.Join(layers[^1], directory));
        ProgramCopy.OfBusybox(Path.Join(layers[^1], "bin", "busybox"));
        var lower = string.Join(':', layers);
        Assert.True(lower.Length > 2 * OverlayOptions.Page);
        var (container, log) = _containers.Create(
            TestContainers.Shell("/bin/busybox", "sh", "-c", "/bin/busybox ls /seen | /bin/busybox wc -l"),
                [new RootMount("overlay", "overlay", "", ["ro", $"lowerdir={lower}"])]);
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(end => exit.SetResult(end.Status));
        container.Start(CancellationToken.None);
        Assert.Equal(0, (await exit.Task.WaitAsync(Patience))!.Value.Code);
        Assert.Equal($"{count}", (await File.ReadAllTextAsync(log)).Trim());
    }

    [Fact]
    public void Options_that_fit_are_unchanged()
    {
        var (from, data) = OverlayOptions.Fit(["index=off", "lowerdir=/a:/b"]);
        Assert.Equal((null, "index=off,lowerdir=/a:/b"), (from, data));
    }

    [Fact]
    public void Options_that_do_not_fit_are_refused_rather_than_truncated()
    {
        Assert.Throws<InvalidSpecException>(() => OverlayOptions.Fit([$"lowerdir=/{new string('a', 5000)}:/b"]));
        Assert.Throws<InvalidSpecException>(() => OverlayOptions.Fit([new string('x', 5000)]));
    }
}
