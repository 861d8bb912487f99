using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;

namespace Supervisor.Storage.Trees;

/// <summary>What is copied. Its tar has entries named <c>NAME</c>, <c>NAME/…</c>; or, for the contents of a directory,
/// <c>./</c> and <c>…</c>.</summary>
/// <param name="Name">Raw: what the copy is named in a directory.</param>
/// <param name="IsContents">The path ended with <c>/.</c>: not the directory but what is in it.</param>
public sealed record CopySource(string Name, bool IsDirectory, bool IsContents);

/// <summary>What the destination of a copy becomes, by docker's rules.</summary>
/// <param name="Directory">Where the entries are placed.</param>
/// <param name="Prefix">Placed in front of the names, in which <paramref name="Strip"/> components are left out.</param>
/// <param name="Final">The name that a new directory gets when it is complete; null if there is none.</param>
public sealed record CopyTarget(Fd Directory, string? Prefix, int Strip, string? Final) : IDisposable
{
    /// <summary>Decides it.</summary>
    /// <param name="source">Null: a tar with names of its own, which only an existing directory can take.</param>
    /// <exception cref="StorageException">There can be no copy at that path.</exception>
    public static CopyTarget Choose(Fd root, string path, CopySource? source)
    {
        using var place = TreePlace.Find(root, path, follow: true);
        var shown = RawName.ToText(path);
        if (source is not null && IsNoName(source.Name)) throw Refused($"\"{RawName.ToText(source.Name)}\": not a file's name");
        return (place.Status, source) switch
        {
            ({ IsDirectory: true }, null or { IsContents: true }) => new CopyTarget(place.OpenDirectory(), null, 0, null),
            ({ IsDirectory: true }, { } some) => Below(place.OpenDirectory(), some),
            (null, null) => throw new StorageException(StorageFault.NotFound, $"\"{shown}\": no such directory"),
            (_, null) or ({ }, _) when source is null || place.IsDirectoryPath =>
                throw Refused($"\"{shown}\" is not a directory"),
            ({ }, { IsDirectory: true }) => throw Refused($"\"{shown}\" is a file: a directory cannot be copied onto it"),
            ({ Kind: not NodeKind.File }, _) =>
                throw Refused($"\"{shown}\" is neither a file nor a directory: nothing can be copied onto it"),
            (null, { IsDirectory: false }) when place.IsDirectoryPath =>
                throw new StorageException(StorageFault.NotFound, $"\"{shown}\": no such directory"),
            (null, { IsDirectory: true } directory) => New(Parent(place), place.Name, directory.IsContents ? 0 : 1),
            _ => new CopyTarget(Parent(place), place.Name, 1, null),
        };
    }

    /// <summary>The directory that was made under a name of its own gets the name of the destination.</summary>
    /// <exception cref="StorageException">There is something of this name by now.</exception>
    public void Complete()
    {
        if (Final is null) return;
        if (FileCalls.TryStatus(Directory, Final) is not null)
            throw Refused($"\"{RawName.ToText(Final)}\" was created meanwhile: try again");
        FileCalls.Rename(Directory, Prefix!, Directory, Final);
    }

    /// <summary>Removes what was made under a name of its own.</summary>
    public void Abandon()
    {
        if (Final is not null) TreeRemoval.Remove(Directory, Prefix!);
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Dispose();

    private static CopyTarget Below(Fd directory, CopySource source)
    {
        try
        {
            return source.IsDirectory && FileCalls.TryStatus(directory, source.Name) is null
                ? New(directory, source.Name, 1) : new CopyTarget(directory, source.Name, 1, null);
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    private static CopyTarget New(Fd directory, string name, int strip) =>
        new(directory, TreeExtraction.Temporary(), strip, name);

    private static Fd Parent(TreePlace place) => place.Parent.Duplicate();

    private static bool IsNoName(string name) =>
        name is "" or "." or ".." || name.Length > 255 || name.AsSpan().ContainsAny('/', '\0');

    private static StorageException Refused(string message) => new(StorageFault.InvalidArgument, message);
}
