using Supervisor.Kernel.Files;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Checkpointing;

/// <summary>criu_opts: the options that dump and restore share, and the field numbers. rpc.proto of criu 4.2.</summary>
internal static class CriuOptions
{
    public const int Pid = 2, LeaveRunning = 3, ParentImages = 14, TrackMemory = 15, RestoreSibling = 26, InheritFd = 27,
        CgroupRoot = 25, Root = 13;
    public const int External = 37, FreezeCgroup = 44, Timeout = 45, NotifyScripts = 12, LsmProfile = 53, LsmMountContext = 63;

    /// <exception cref="ArgumentException">A value that criu does not know.</exception>
    public static CriuMessage Common(CheckpointOptions options, Fd images, Fd work, string log)
    {
        const int verbosity = 4;
        return new CriuMessage()
            .Add(1, images.Number).Add(17, work.Number).Add(9, verbosity).Add(10, log)
            .Add(4, options.ExternalUnixSockets).Add(5, options.TcpEstablished).Add(6, true /* evasive_devices */)
                .Add(7, options.ShellJob)
            .Add(8, options.FileLocks).Add(16, options.AutoDedup).Add(18, options.LinkRemap).Add(46, options.TcpSkipInFlight)
            .Add(50, true /* orphan_pts_master */)
            .Add(24, true /* manage_cgroups */).Add(34, CgroupMode(options.ManageCgroups))
                .Add(38, EmptyNamespaces(options.EmptyNamespaces));
    }

    /// <summary>Opens the directory of the images or of the log.</summary>
    public static Fd OpenDirectory(string path, bool make)
    {
        if (make) PrivateFiles.MakeDirectory(path);
        return Fd.Open(path, Kernel.Abi.OpenFlags.O_RDONLY | Kernel.Abi.OpenFlags.O_DIRECTORY);
    }

    private static int CgroupMode(string? word) => word switch
    {
        "ignore" => 0, "none" => 1, "props" => 2, "" or null or "soft" => 3, "full" => 4, "strict" => 5,
        _ => throw new ArgumentException(
            $"invalid manage-cgroups-mode \"{word}\": it is soft, full, strict, props, none or ignore"),
    };

    private static long EmptyNamespaces(IReadOnlyList<string> words) =>
        words.Aggregate(0L, (flags, word) => word is NamespaceKind.Network
        ? flags | (long)Kernel.Abi.CloneFlags.CLONE_NEWNET
        : throw new ArgumentException($"empty-ns: namespace \"{word}\" is not supported: criu can leave network empty"));
}
