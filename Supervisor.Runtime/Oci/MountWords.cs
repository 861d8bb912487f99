namespace Supervisor.Runtime.Oci;

/// <summary>
/// What the words of mount(8) mean in numbers. linux/mount.h; the words are those of the runtime specification.
/// </summary>
internal static class MountWords
{
    public const ulong AttrReadOnly = 0x1, AttrNoSuid = 0x2, AttrNoDev = 0x4, AttrNoExec = 0x8, AttrAtimeMask = 0x70,
        AttrRelAtime = 0, AttrNoAtime = 0x10, AttrStrictAtime = 0x20, AttrNoDirAtime = 0x80, AttrNoSymFollow = 0x200000;

    public const ulong MsReadOnly = 1, MsNoSuid = 2, MsNoDev = 4, MsNoExec = 8, MsSynchronous = 16, MsRemount = 32,
        MsMandLock = 64, MsDirSync = 128, MsNoSymFollow = 256, MsNoAtime = 1024, MsNoDirAtime = 2048, MsBind = 4096,
        MsRec = 16384, MsSilent = 32768, MsPosixAcl = 1 << 16, MsUnbindable = 1 << 17, MsPrivate = 1 << 18, MsSlave = 1 << 19,
        MsShared = 1 << 20, MsRelAtime = 1 << 21, MsIVersion = 1 << 23, MsStrictAtime = 1 << 24, MsLazyTime = 1 << 25;

    private const ulong MsAtimeModes = MsNoAtime | MsRelAtime | MsStrictAtime;

    /// <summary>Words about a mount; with an r before them, about a mount and all below it.</summary>
    public static IReadOnlyDictionary<string, Attribute> Attributes {
        get; } = new Dictionary<string, Attribute>(StringComparer.Ordinal)
    {
        ["ro"] = On(AttrReadOnly, MsReadOnly), ["rw"] = Off(AttrReadOnly, MsReadOnly),
        ["nosuid"] = On(AttrNoSuid, MsNoSuid), ["suid"] = Off(AttrNoSuid, MsNoSuid),
        ["nodev"] = On(AttrNoDev, MsNoDev), ["dev"] = Off(AttrNoDev, MsNoDev),
        ["noexec"] = On(AttrNoExec, MsNoExec), ["exec"] = Off(AttrNoExec, MsNoExec),
        ["nodiratime"] = On(AttrNoDirAtime, MsNoDirAtime), ["diratime"] = Off(AttrNoDirAtime, MsNoDirAtime),
        ["nosymfollow"] = On(AttrNoSymFollow, MsNoSymFollow), ["symfollow"] = Off(AttrNoSymFollow, MsNoSymFollow),
        ["relatime"] = Atime(AttrRelAtime, MsRelAtime), ["noatime"] = Atime(AttrNoAtime, MsNoAtime),
        ["strictatime"] = Atime(AttrStrictAtime, MsStrictAtime),
        // The negations lead back to the kernel's own choice, which has been relatime since 2.6.30.
        ["norelatime"] = Atime(AttrRelAtime, 0), ["atime"] = Atime(AttrRelAtime, 0), ["nostrictatime"] = Atime(AttrRelAtime, 0),
    };

    /// <summary>Words about a file system.</summary>
    public static IReadOnlyDictionary<string, FilesystemFlag> FilesystemFlags { get; } =
        new Dictionary<string, FilesystemFlag>(StringComparer.Ordinal)
        {
            ["sync"] = new("sync", "async", MsSynchronous, true), ["async"] = new(null, "sync", MsSynchronous, false),
            ["dirsync"] = new("dirsync", null, MsDirSync, true),
            ["lazytime"] = new("lazytime", "nolazytime", MsLazyTime, true),
            ["nolazytime"] = new(null, "lazytime", MsLazyTime, false),
            ["mand"] = new("mand", "nomand", MsMandLock, true), ["nomand"] = new(null, "mand", MsMandLock, false),
            ["iversion"] = new("iversion", null, MsIVersion, true), ["noiversion"] = new(null, "iversion", MsIVersion, false),
            ["acl"] = new("acl", "noacl", MsPosixAcl, true), ["noacl"] = new("noacl", "acl", MsPosixAcl, false),
            ["silent"] = new("silent", null, MsSilent, true), ["loud"] = new(null, "silent", MsSilent, false),
        };

    public static IReadOnlyDictionary<string, ulong> Propagations { get; } = new Dictionary<string, ulong>(StringComparer.Ordinal)
    {
        ["shared"] = MsShared, ["rshared"] = MsShared | MsRec, ["slave"] = MsSlave, ["rslave"] = MsSlave | MsRec,
        ["private"] = MsPrivate, ["rprivate"] = MsPrivate | MsRec,
        ["unbindable"] = MsUnbindable, ["runbindable"] = MsUnbindable | MsRec,
    };

    private static Attribute On(ulong attribute, ulong classic) => new(attribute, 0, classic, 0);
    private static Attribute Off(ulong attribute, ulong classic) => new(0, attribute, 0, classic);
    private static Attribute Atime(ulong mode, ulong classic) => new(mode, AttrAtimeMask, classic, MsAtimeModes);

    public readonly record struct Attribute(ulong Set, ulong Clear, ulong ClassicSet, ulong ClassicClear)
    {
        /// <summary>
        /// The two masks once this word has been heard too: what it sets is no longer cleared and the other way round.
        /// </summary>
        public (ulong Set, ulong Clear) After(ulong set, ulong clear) =>
            Clear == AttrAtimeMask // the one field among the bits: mount_setattr wants it cleared whole and set anew
                ? (set & ~AttrAtimeMask | Set, clear | AttrAtimeMask)
                : (set & ~Clear | Set, clear & ~Set | Clear);
    }

    /// <param name="Word">What is said to the file system; null when this word only takes another back.</param>
    /// <param name="Opposite">The word that it takes back.</param>
    /// <param name="Classic">The bit of mount(2).</param>
    /// <param name="Set">Whether the bit is set.</param>
    public readonly record struct FilesystemFlag(string? Word, string? Opposite, ulong Classic, bool Set);
}
