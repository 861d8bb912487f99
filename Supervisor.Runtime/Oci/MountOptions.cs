namespace Supervisor.Runtime.Oci;

/// <summary>
/// The options of one mount, sorted by the system call that takes them. Later options override earlier ones, as with
/// mount(8).
/// </summary>
public sealed record MountOptions
{
    /// <summary><c>MOUNT_ATTR_*</c> for mount_setattr(2) on this mount alone.</summary>
    public ulong AttributesToSet { get; private init; }

    /// <summary>
    /// <c>MOUNT_ATTR_*</c> to clear; holds <c>MOUNT_ATTR__ATIME</c> whenever an atime mode is set, as the call demands.
    /// </summary>
    public ulong AttributesToClear { get; private init; }

    /// <summary>
    /// As <see cref="AttributesToSet"/>, with <c>AT_RECURSIVE</c>: the options <c>rro</c>, <c>rnosuid</c> and so on.
    /// </summary>
    public ulong RecursiveAttributesToSet { get; private init; }

    /// <summary>As <see cref="AttributesToClear"/>, with <c>AT_RECURSIVE</c>.</summary>
    public ulong RecursiveAttributesToClear { get; private init; }

    /// <summary><c>MS_*</c> for mount(2), including <c>MS_BIND</c> and <c>MS_REC</c>, without propagation.</summary>
    public ulong ClassicFlags { get; private init; }

    /// <summary>
    /// <c>MS_SHARED</c>, <c>MS_SLAVE</c>, <c>MS_PRIVATE</c> or <c>MS_UNBINDABLE</c>, with <c>MS_REC</c> for <c>rshared</c> and
    /// so on; 0 for none.
    /// </summary>
    public ulong Propagation { get; private init; }

    /// <summary><c>bind</c> or <c>rbind</c>.</summary>
    public bool Bind { get; private init; }

    /// <summary><c>rbind</c>.</summary>
    public bool RecursiveBind { get; private init; }

    /// <summary><c>remount</c>.</summary>
    public bool Remount { get; private init; }

    /// <summary><c>tmpcopyup</c>: a tmpfs that starts with a copy of the directory that it covers.</summary>
    public bool CopyUp { get; private init; }

    /// <summary><c>idmap</c> or <c>ridmap</c>.</summary>
    public bool IdMap { get; private init; }

    /// <summary><c>copy-symlink</c>: a source that is a symlink is recreated instead of mounting its target.</summary>
    public bool CopySymlink { get; private init; }

    /// <summary><c>ridmap</c>: including the mounts below.</summary>
    public bool RecursiveIdMap { get; private init; }

    /// <summary>
    /// Options for fsconfig(2) <c>FSCONFIG_SET_FLAG</c> that apply to the file system and not the mount: <c>sync</c>,
    /// <c>lazytime</c>…
    /// </summary>
    public IReadOnlyList<string> FilesystemFlags { get; private init; } = [];

    /// <summary>Everything else, passed to the file system: <c>size=64m</c>, <c>newinstance</c>.</summary>
    public IReadOnlyList<string> DataOptions { get; private init; } = [];

    /// <summary>Every option that is not passed to the file system, in order.</summary>
    public static IEnumerable<string> KnownWords =>
        MountWords.Attributes.Keys.Concat(MountWords.Attributes.Keys.Select(word => "r" + word))
            .Concat(MountWords.FilesystemFlags.Keys)
            .Concat(MountWords.Propagations.Keys).Concat(["bind", "rbind", "remount", "tmpcopyup", "defaults"]).Distinct()
                .Order(StringComparer.Ordinal);

    /// <summary>Whether the mount is to be read-only.</summary>
    public bool ReadOnly => (AttributesToSet & MountWords.AttrReadOnly) != 0;

    /// <summary>Sorts <paramref name="words"/>. Never fails: unknown options are the file system's.</summary>
    public static MountOptions Parse(IEnumerable<string> words)
    {
        ulong set = 0, clear = 0, recursiveSet = 0, recursiveClear = 0, classic = 0, propagation = 0;
        bool bind = false, recursiveBind = false, copyUp = false, idMap = false, recursiveIdMap = false, copySymlink = false;
        List<string> flags = [], data = [];
        foreach (var word in words)
        {
            if (MountWords.Attributes.TryGetValue(word, out var attribute))
            {
                (set, clear) = attribute.After(set, clear);
                classic = classic & ~attribute.ClassicClear | attribute.ClassicSet;
            }
            else if (word.StartsWith('r') && MountWords.Attributes.TryGetValue(word[1..], out attribute))
                (recursiveSet, recursiveClear) = attribute.After(recursiveSet, recursiveClear);
            else if (MountWords.FilesystemFlags.TryGetValue(word, out var flag))
            {
                flags.RemoveAll(f => f == flag.Word || f == flag.Opposite);
                if (flag.Word is not null) flags.Add(flag.Word);
                classic = flag.Set ? classic | flag.Classic : classic & ~flag.Classic;
            }
            else if (MountWords.Propagations.TryGetValue(word, out var p)) propagation = p;
            else switch (word)
            {
                case "bind": bind = true; break;
                case "rbind": bind = recursiveBind = true; break;
                case "remount": classic |= MountWords.MsRemount; break;
                case "tmpcopyup": copyUp = true; break;
                case "idmap": idMap = true; break;
                case "ridmap": idMap = recursiveIdMap = true; break;
                case "copy-symlink": copySymlink = true; break;
                case "defaults" or "": break;
                default: data.Add(word); break;
            }
        }
        if (bind) classic |= MountWords.MsBind;
        if (recursiveBind) classic |= MountWords.MsRec;
        return new MountOptions
        {
            AttributesToSet = set, AttributesToClear = clear,
            RecursiveAttributesToSet = recursiveSet, RecursiveAttributesToClear = recursiveClear,
            ClassicFlags = classic, Propagation = propagation, Bind = bind, RecursiveBind = recursiveBind,
            Remount = (classic & MountWords.MsRemount) != 0, CopyUp = copyUp, IdMap = idMap, RecursiveIdMap = recursiveIdMap,
            CopySymlink = copySymlink,
            FilesystemFlags = flags, DataOptions = data,
        };
    }
}
