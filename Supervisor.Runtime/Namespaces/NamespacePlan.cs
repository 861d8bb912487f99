using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Namespaces;

/// <summary>The namespaces that a container's init makes and joins, by a clone or a double clone.</summary>
/// <param name="Made">The namespaces without a path.</param>
/// <param name="Joined">The namespaces with a path, opened.</param>
internal sealed record NamespacePlan(CloneFlags Made, IReadOnlyList<(string Type, Fd Namespace)> Joined)
{
    /// <summary>Nothing made or joined.</summary>
    public static NamespacePlan None { get; } = new(CloneFlags.None, []);

    /// <summary>
    /// Whether a double clone is needed (as for an exec): only children enter a pid namespace; namespaces that are made beside a
    /// joined user namespace must be owned by it; and joining others after a new user namespace needs rights that its root lacks.
    /// </summary>
    public bool DoubleClone =>
        Joined.Count > 0 && (Joins(NamespaceKind.Pid) || Joins(NamespaceKind.User) || Makes(CloneFlags.CLONE_NEWUSER));

    /// <summary>The init is in a user namespace that is not ours.</summary>
    public bool OtherUser => Makes(CloneFlags.CLONE_NEWUSER) || Joins(NamespaceKind.User);

    /// <summary>The init has mounts of its own, or those of a namespace that it joins.</summary>
    public bool OwnMounts => Makes(CloneFlags.CLONE_NEWNS) || Joins(NamespaceKind.Mount);

    /// <summary>Whether this kind is made.</summary>
    public bool Makes(CloneFlags flag) => (Made & flag) != 0;

    /// <summary>Whether this kind is joined.</summary>
    public bool Joins(string type) => Joined.Any(j => j.Type == type);

    /// <summary>The namespaces in an order in which they can be joined.</summary>
    public IEnumerable<(string Type, Fd Namespace)> InOrder()
    {
        // Entering a user namespace costs root its rights over the host's namespaces; without rights, it grants them.
        var user = IdMaps.Rootless ? 0 : 2;
        return Joined.Where(j => j.Type is not NamespaceKind.Time).OrderBy(j => j.Type switch
        {
            NamespaceKind.User => user,
            NamespaceKind.Mount => user == 0 ? 3 : 1, // paths resolve differently afterwards
            _ => user == 0 ? 1 : 0,
        });
    }

    /// <summary>
    /// A joined time namespace. The stub enters it, because a CLONE_VM child cannot. time_namespaces(7), EUSERS.
    /// </summary>
    public Fd? JoinedTime => Joined.FirstOrDefault(j => j.Type is NamespaceKind.Time).Namespace;

    /// <summary>Opens the namespaces that a spec joins.</summary>
    /// <param name="open">Receives every descriptor, for the caller to close.</param>
    /// <exception cref="InvalidSpecException">A path does not exist, or is not a namespace of that kind.</exception>
    public static NamespacePlan Of(LinuxSpec linux, List<IDisposable> open)
    {
        var made = CloneFlags.None;
        var joined = new List<(string, Fd)>();
        for (var i = 0; i < linux.Namespaces.Count; i++)
        {
            var (type, path) = (linux.Namespaces[i].Type, linux.Namespaces[i].Path);
            if (string.IsNullOrEmpty(path))
            {
                made |= Flag(type);
                continue;
            }
            var field = $"linux.namespaces[{i}].path";
            var fd = Fd.TryOpen(path, OpenFlags.O_RDONLY) ?? throw new InvalidSpecException(field, $"\"{path}\" does not exist");
            open.Add(fd);
            if (NamespaceFile.KindOf(fd) is not { } kind) throw new InvalidSpecException(field, $"\"{path}\" is not a namespace");
            if (kind != Flag(type)) throw new InvalidSpecException(field, $"\"{path}\" is a namespace of another kind ({kind})");
            if (NamespaceFile.IsOurs(fd, type)) continue; // entering our own has no effect, and fails for some kinds
            joined.Add((type, fd));
        }
        return new NamespacePlan(made, joined);
    }

    /// <summary>The flag of a kind.</summary>
    public static CloneFlags Flag(string type) => type switch
    {
        NamespaceKind.Pid => CloneFlags.CLONE_NEWPID,
        NamespaceKind.Network => CloneFlags.CLONE_NEWNET,
        NamespaceKind.Mount => CloneFlags.CLONE_NEWNS,
        NamespaceKind.Ipc => CloneFlags.CLONE_NEWIPC,
        NamespaceKind.Uts => CloneFlags.CLONE_NEWUTS,
        NamespaceKind.User => CloneFlags.CLONE_NEWUSER,
        NamespaceKind.Cgroup => CloneFlags.CLONE_NEWCGROUP,
        NamespaceKind.Time => CloneFlags.CLONE_NEWTIME,
        _ => throw new InvalidSpecException("linux.namespaces", $"unknown kind \"{type}\""),
    };
}
