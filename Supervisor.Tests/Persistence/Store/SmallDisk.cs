using System.Diagnostics;

namespace Supervisor.Tests.Persistence.Store;

/// <summary>Skipped where no tmpfs can be mounted.</summary>
public sealed class TmpfsFactAttribute : FactAttribute
{
    public TmpfsFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess) Skip = "mounting a tmpfs takes root";
    }
}

/// <summary>A file system of its own, half a megabyte by default.</summary>
internal sealed class SmallDisk : IDisposable
{
    public SmallDisk(int kilobytes = 512)
    {
        DirectoryPath = Directory.CreateTempSubdirectory("small-disk-").FullName;
        Run("mount", "-t", "tmpfs", "-o", $"size={kilobytes}k", "tmpfs", DirectoryPath);
    }

    public string DirectoryPath { get; }

    private string Ballast => Path.Combine(DirectoryPath, "ballast");

    public void Fill()
    {
        using var ballast = File.Create(Ballast, 1);
        try
        {
            while (true) ballast.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // ENOSPC: full, as intended.
        }
    }

    public void MakeRoom() => File.Delete(Ballast);

    public void Dispose()
    {
        Run("umount", "--lazy", DirectoryPath);
        Directory.Delete(DirectoryPath);
    }

    private static void Run(string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{file} {string.Join(' ', arguments)}: {error}");
    }
}
