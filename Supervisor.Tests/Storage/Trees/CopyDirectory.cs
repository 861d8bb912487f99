using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;
using Supervisor.Storage.Trees;

namespace Supervisor.Tests.Storage.Trees;

/// <summary>A source and a destination of one test, beside a directory that no copy may touch.</summary>
internal sealed class CopyDirectory : IDisposable
{
    private readonly DirectoryInfo _base = Directory.CreateTempSubdirectory("supervisor-copy-");

    public CopyDirectory()
    {
        foreach (var name in (string[])["from", "to", "outside"]) Directory.CreateDirectory(Path.Join(Place, name));
        File.WriteAllText(Path.Join(Outside, "secret"), "untouched");
    }

    public string Place => _base.FullName;

    public string From => Path.Join(Place, "from");

    public string To => Path.Join(Place, "to");

    public string Outside => Path.Join(Place, "outside");

    public void Dispose() => _base.Delete(recursive: true);

    public bool IsOutsideUntouched =>
        Directory.GetFileSystemEntries(Outside) is [var only] && File.ReadAllText(only) == "untouched";

    /// <summary>The tar of a path in the source.</summary>
    public byte[] Archive(string path, bool crossMounts = true, TreeIds? ids = null)
    {
        using var root = Fd.Open(From, OpenFlags.O_DIRECTORY);
        using var place = TreePlace.Find(root, path, follow: false);
        using var output = new MemoryStream();
        new TreeArchive(output, ids ?? TreeIds.Unchanged, crossMounts, default).Write(place, place.IsContents, place.Name);
        return output.ToArray();
    }

    /// <summary>Unpacks it as a copy to a path in the destination.</summary>
    public void Extract(byte[] tar, string path, CopySource? source = null, ExtractionOptions? options = null)
    {
        using var root = Fd.Open(To, OpenFlags.O_DIRECTORY);
        using var target = CopyTarget.Choose(root, path, source);
        using var extraction = new TreeExtraction(target, options ?? new ExtractionOptions { KeepsOwners = true }, default);
        extraction.Extract(new MemoryStream(tar));
        target.Complete();
    }

    public NodeStatus Status(string path)
    {
        using var directory = Fd.Open(Path.GetDirectoryName(path)!, OpenFlags.O_DIRECTORY);
        return FileCalls.TryStatus(directory, Path.GetFileName(path))!.Value;
    }
}
