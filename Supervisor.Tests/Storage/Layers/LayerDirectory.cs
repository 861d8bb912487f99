using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;

namespace Supervisor.Tests.Storage.Layers;

/// <summary>Directories of one test to unpack layers into, beside a file that no layer may touch.</summary>
internal sealed class LayerDirectory : IDisposable
{
    private readonly DirectoryInfo _base = Directory.CreateTempSubdirectory("supervisor-layers-");

    public LayerDirectory()
    {
        Directory.CreateDirectory(Root);
        Directory.CreateDirectory(Lower);
        File.WriteAllText(Path.Join(Place, "outside"), "untouched");
    }

    public static StorageLimits Limits { get; } = TestLimits.Ample with { LayerSize = 64 << 20, LayerEntries = 1000 };

    public string Place => _base.FullName;

    public string Root => Path.Join(Place, "root");

    public string Lower => Path.Join(Place, "lower");

    public void Dispose() => _base.Delete(recursive: true);

    public AppliedLayer Apply(byte[] bytes, string mediaType = LayerCompression.Tar, bool overlay = false)
    {
        using var blob = Blob(bytes);
        var mount = overlay ? new TreeMount("overlay", "overlay", ["workdir=/x", $"upperdir={Root}", $"lowerdir={Lower}"])
            : Bind(Root);
        return LayerWork.Apply(blob, mediaType, [mount], sync: false, Limits, default);
    }

    public StorageException Refused(byte[] bytes, StorageFault fault, string mediaType = LayerCompression.Tar)
    {
        var e = Assert.Throws<StorageException>(() => Apply(bytes, mediaType));
        Assert.Equal(fault, e.Fault);
        return e;
    }

    public SafeFileHandle Blob(byte[] bytes)
    {
        var path = Path.Join(Place, "blob");
        File.WriteAllBytes(path, bytes);
        return File.OpenHandle(path);
    }

    public static TreeMount Bind(string path) => new("bind", path, ["rw", "rbind"]);

    public string Read(string name) => File.ReadAllText(Path.Join(Root, name));

    public NodeStatus Status(string name)
    {
        using var directory = Fd.Open(Path.GetDirectoryName(Path.Join(Root, name))!, OpenFlags.O_DIRECTORY);
        return FileCalls.TryStatus(directory, Path.GetFileName(name))!.Value;
    }
}
