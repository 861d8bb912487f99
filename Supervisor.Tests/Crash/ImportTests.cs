using System.Security.Cryptography;
using Supervisor.Tests.Clients;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>
/// The daemon is killed while an image is imported and unpacked: existing content is complete, the next import continues, and
/// nothing is left for good.
/// </summary>
[Collection(Alone.Name)]
public sealed class ImportTests : IDisposable
{
    private const string Image = "docker.io/library/surface:latest";
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-import-");

    public void Dispose() => _place.Delete(recursive: true);

    [Fact]
    public async Task An_interrupted_import_is_complete_or_absent_and_the_next_one_continues()
    {
        CommandLine.Ok(await CommandLine.RunAsync(
            "bash", Path.Join(Repository.Root, "Supervisor.Tests", "Clients", "scripts", "mkimage.sh"), _place.FullName));
        var archive = Path.Join(_place.FullName, "image.tar");
        await using var daemon = await DaemonProcess.StartAsync();
        var random = new Random(Environment.ProcessId);
        for (var i = 0; i < StormTests.Number("SUPERVISOR_CRASH_KILLS", 5); i++)
        {
            var import = daemon.Ctr("images", "import", archive);
            await Task.Delay(random.Next(0, 400));
            await daemon.KillAsync();
            await daemon.RestartAsync();
            await import; // interrupted or complete: ctr waits for a daemon
            CheckBlobs(daemon);
        }
        CommandLine.Ok(await daemon.Ctr("images", "import", archive));
        Assert.Equal("whole\n",
            CommandLine.Ok(await daemon.Ctr("run", "--rm", "--snapshotter", "overlayfs", Image, "c", "echo", "whole")));
        // An interrupted import's content is kept by its lease for a day; without leases, removing the image removes everything.
        foreach (var lease in CommandLine.Ok(await daemon.Ctr("leases", "ls", "-q"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries))
            CommandLine.Ok(await daemon.Ctr("leases", "rm", lease));
        CommandLine.Ok(await daemon.Ctr("images", "rm", "--sync", Image));
        Assert.Empty(Blobs(daemon));
        Assert.DoesNotContain("Committed", CommandLine.Ok(await daemon.Ctr("snapshots", "ls")), StringComparison.Ordinal);
    }

    /// <summary>Every blob matches the digest in its name.</summary>
    private static void CheckBlobs(DaemonProcess daemon)
    {
        foreach (var file in Blobs(daemon))
        {
            using var stream = File.OpenRead(file);
            Assert.StartsWith(Convert.ToHexStringLower(SHA256.HashData(stream)), Path.GetFileName(file),
                StringComparison.Ordinal);
        }
    }

    private static string[] Blobs(DaemonProcess daemon) =>
        Directory.GetFiles(Path.Join(daemon.Root, "content", "blobs", "sha256"));
}
