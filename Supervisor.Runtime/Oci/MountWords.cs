namespace Supervisor.Runtime.Oci;

/// <summary>
/// The values of mount(8)'s options. linux/mount.h; the names are those of the runtime specification.
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

    /// <summary>Options of a mount; with an r before them, of a mount and all below it.</summary>
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
        // The negations select the kernel's default, which has been relatime since 2.6.30.
        ["norelatime"] = Atime(AttrRelAtime, 0), ["atime"] = Atime(AttrRelAtime, 0), ["nostrictatime"] = Atime(AttrRelAtime, 0),
    };

    /// <summary>Options of a file system.</summary>
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
        /// Applies this option to the two masks: what it sets is no longer cleared and vice versa.
        /// </summary>
        public (ulong Set, ulong Clear) After(ulong set, ulong clear) =>
            Clear == AttrAtimeMask // the only multi-bit field: mount_setattr requires clearing all of it
                ? (set & ~AttrAtimeMask | Set, clear | AttrAtimeMask)
                : (set & ~Clear | Set, clear & ~Set | Clear);
    }

    /// <param name="Word">The option for the file system; null when this one only cancels another.</param>
    /// <param name="Opposite">The option that it cancels.</param>
    /// <param name="Classic">The bit of mount(2).</param>
    /// <param name="Set">Whether the bit is set.</param>
    public readonly record struct FilesystemFlag(string? Word, string? Opposite, ulong Classic, bool Set);
}
