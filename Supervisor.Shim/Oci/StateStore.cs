using System.Text.Json;

namespace Supervisor.Shim.Oci;

/// <summary>
/// The containers of one <c>--root</c>: a directory of mode 0700 each, with <c>state.json</c> in it and, until it is
/// started, the socket at which its init waits. Containers share nothing, not even a lock.
/// </summary>
internal sealed class StateStore(string root)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const string FileName = "state.json";

    /// <summary>A container's directory.</summary>
    /// <exception cref="OciException">The id could lead elsewhere.</exception>
    public string DirectoryOf(string id)
    {
        if (!IsId(id)) throw new OciException(
            $"invalid container ID format: \"{id}\": it has an invalid character (a container ID has letters, digits and _+.- "
            + "only, not a dot at its head, and at most 255 of them)");
        return Path.Join(root, id);
    }

    /// <summary>Makes a container's directory.</summary>
    /// <exception cref="OciException">It exists already.</exception>
    public string Create(string id)
    {
        var directory = DirectoryOf(id);
        if (!Directory.Exists(root)) Directory.CreateDirectory(root, OwnerOnly);
        // CreateDirectory accepts an existing directory; mkdir(2) fails for it.
        if (!DirectoryLock.TryMake(directory))
            throw new OciException($"container with given ID already exists: container with id exists: {id}");
        return directory;
    }

    /// <summary>Writes it atomically.</summary>
    public void Save(ContainerState state)
    {
        var file = Path.Join(DirectoryOf(state.Id), FileName);
        File.WriteAllBytes(file + ".new", state.ToJson());
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <exception cref="OciException">There is none of that name, or its state cannot be read.</exception>
    public ContainerState Load(string id) => TryLoad(id) ?? throw new OciException($"container does not exist: \"{id}\"");

    /// <returns>Null when there is none of that name, or its creation has not saved a state yet.</returns>
    public ContainerState? TryLoad(string id)
    {
        var file = Path.Join(DirectoryOf(id), FileName);
        try
        {
            return ContainerState.FromJson(File.ReadAllBytes(file));
        }
        catch (Exception e) when (e is DirectoryNotFoundException or FileNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new OciException($"{file}: {e.Message}; remove the container with delete --force", e);
        }
    }

    public bool Exists(string id) => Directory.Exists(DirectoryOf(id));

    /// <summary>Every id, in order.</summary>
    public IEnumerable<string> Ids() =>
        Directory.Exists(root)
            ? Directory.EnumerateDirectories(root).Select(d => Path.GetFileName(d)).Where(IsId).Order(StringComparer.Ordinal)
            : [];

    /// <summary>Excludes other changes of the same container until it is disposed.</summary>
    public DirectoryLock Lock(string id) =>
        DirectoryLock.TryTake(DirectoryOf(id)) ?? throw new OciException($"container does not exist: \"{id}\"");

    /// <summary>Removes the directory, the state last: after a crash in between, delete still finds it.</summary>
    public void Remove(string id)
    {
        var directory = DirectoryOf(id);
        try
        {
            foreach (var file in Directory.EnumerateFiles(directory))
                if (Path.GetFileName(file) != FileName) File.Delete(file);
            Directory.Delete(directory, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
        }
    }

    private static bool IsId(string id) =>
        id.Length is > 0 and <= 255 && id[0] != '.' && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '+' or '-' or '.');
}
