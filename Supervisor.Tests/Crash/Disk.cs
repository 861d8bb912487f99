using Supervisor.Tests.Clients;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>Skipped where no file system can be mounted from a file.</summary>
public sealed class DiskFactAttribute : FactAttribute
{
    public DiskFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess) Skip = "mounting a file system takes root";
        else if (!File.Exists("/dev/loop-control")) Skip = "there are no loop devices here";
    }
}

/// <summary>
/// A disk that can lose its power: an ext4 file system in a file. The file is the disk's content; a power loss takes what the
/// kernel has not written yet.
/// </summary>
internal sealed class Disk(string image, string mountPoint)
{
    public async Task CreateAsync()
    {
        using (var file = File.Create(image)) file.SetLength(64 << 20);
        CommandLine.Ok(await CommandLine.RunAsync("mkfs.ext4", "-q", "-F", image));
        Directory.CreateDirectory(mountPoint);
        await MountAsync();
    }

    /// <summary>Cuts the power: from now on the disk keeps its present content.</summary>
    public void LosePower()
    {
        File.Copy(image, image + ".after", overwrite: true);
    }

    /// <summary>Boots with the disk's content. Nothing may use the old file system any more.</summary>
    public async Task BootAsync()
    {
        await UnmountAsync();
        File.Move(image + ".after", image, overwrite: true);
        await MountAsync();
    }

    public async Task UnmountAsync() => CommandLine.Ok(await CommandLine.RunAsync("umount", mountPoint));

    // The kernel writes back by itself after a minute, not after five seconds.
    private async Task MountAsync() =>
        CommandLine.Ok(await CommandLine.RunAsync("mount", "-o", "loop,commit=60", image, mountPoint));
}
