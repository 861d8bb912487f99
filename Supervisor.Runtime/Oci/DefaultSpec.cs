namespace Supervisor.Runtime.Oci;

/// <summary>What a client may specify about a container; <see cref="DefaultSpec"/> chooses everything else.</summary>
public sealed record DefaultSpecOptions
{
    /// <summary>Entries as NAME=value; a PATH is added if there is none.</summary>
    public IReadOnlyList<string> Env { get; init; } = [];

    /// <summary>Absolute working directory.</summary>
    public string Cwd { get; init; } = "/";

    /// <summary>The user that it runs as; root of the container by default.</summary>
    public UserSpec User { get; init; } = new();

    /// <summary>Host name; null to leave it.</summary>
    public string? Hostname { get; init; }

    /// <summary>See <see cref="ProcessSpec.Init"/>.</summary>
    public bool Init { get; init; }

    /// <summary>Whether it gets a pseudo-terminal.</summary>
    public bool Terminal { get; init; }

    /// <summary>Whether the root file system is read-only.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Whether it shares the host's network.</summary>
    public bool HostNetwork { get; init; }

    /// <summary>Whether /sys/fs/cgroup is mounted, read-only.</summary>
    public bool CgroupMount { get; init; } = true;

    /// <summary>Bytes.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>Number of processes.</summary>
    public long? PidsLimit { get; init; }

    /// <summary>See <see cref="LinuxSpec.CgroupsPath"/>.</summary>
    public string? CgroupsPath { get; init; }

    /// <summary>The system calls that it may make; null for all, as in runc's <c>spec</c>.</summary>
    public SeccompSpec? Seccomp { get; init; }

    /// <summary>Mounts after the default ones.</summary>
    public IReadOnlyList<MountSpec> Mounts { get; init; } = [];
}

/// <summary>
/// The spec for a few options: docker's capabilities, mounts, masked paths and limits.
/// </summary>
public static class DefaultSpec
{
    /// <summary>The version of the specification that we follow.</summary>
    public const string Version = "1.2.0";

    private const string SearchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The 14 capabilities that docker gives a container's root.</summary>
    public static IReadOnlyList<string> Capabilities { get; } =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    /// <summary>Paths of /proc and /sys that disclose too much about the host.</summary>
    public static IReadOnlyList<string> MaskedPaths { get; } =
    [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
        "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
    ];

    /// <summary>Paths of /proc through which the host could be changed.</summary>
    public static IReadOnlyList<string> ReadonlyPaths { get; } =
        ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    /// <summary>Creates the spec. It passes <see cref="SpecValidator.Validate(Spec)"/> if the options do.</summary>
    /// <param name="args">Program and arguments.</param>
    /// <param name="rootfs">Root file system, absolute or relative to the bundle.</param>
    /// <param name="options">Null for the defaults.</param>
    public static Spec Create(IReadOnlyList<string> args, string rootfs, DefaultSpecOptions? options = null)
    {
        options ??= new DefaultSpecOptions();
        return new Spec
        {
            OciVersion = Version,
            Process = Process(args, options),
            Root = new RootSpec { Path = rootfs, Readonly = options.ReadOnly },
            Hostname = options.Hostname,
            Mounts = [.. Mounts(options.CgroupMount), .. options.Mounts],
            Linux = new LinuxSpec
            {
                Namespaces = [.. Namespaces(options.HostNetwork).Select(type => new NamespaceSpec { Type = type })],
                CgroupsPath = options.CgroupsPath,
                Resources = new ResourcesSpec
                {
                    Devices = [new DeviceRuleSpec { Allow = false, Access = "rwm" }],
                    Memory = options.MemoryLimit is long bytes ? new MemorySpec { Limit = bytes } : null,
                    Pids = options.PidsLimit is long count ? new PidsSpec { Limit = count } : null,
                },
                MaskedPaths = MaskedPaths,
                ReadonlyPaths = ReadonlyPaths,
                Seccomp = options.Seccomp,
            },
        };
    }

    private static ProcessSpec Process(IReadOnlyList<string> args, DefaultSpecOptions options)
    {
        List<string> env = [.. options.Env];
        if (!env.Any(e => e.StartsWith("PATH=", StringComparison.Ordinal))) env.Insert(0, SearchPath);
        if (options.Terminal && !env.Any(e => e.StartsWith("TERM=", StringComparison.Ordinal))) env.Add("TERM=xterm");
        return new ProcessSpec
        {
            Init = options.Init,
            Terminal = options.Terminal,
            User = options.User,
            Args = args,
            Env = env,
            Cwd = options.Cwd,
            // No inheritable capabilities: CVE-2022-24769.
            Capabilities = new CapabilitiesSpec { Bounding = Capabilities, Effective = Capabilities, Permitted = Capabilities },
            Rlimits = [new RlimitSpec { Type = "RLIMIT_NOFILE", Soft = 1024, Hard = 1024 }],
            NoNewPrivileges = true,
        };
    }

    private static IEnumerable<string> Namespaces(bool hostNetwork) =>
        NamespaceKind.All.Where(
            n => n is not (NamespaceKind.User or NamespaceKind.Time) && !(hostNetwork && n is NamespaceKind.Network));

    private static IEnumerable<MountSpec> Mounts(bool cgroup)
    {
        yield return Mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev");
        yield return Mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k");
        yield return Mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
            "gid=5");
        yield return Mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k");
        yield return Mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev");
        yield return Mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro");
        yield return Mount("/run", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k");
        if (cgroup) yield return Mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro");
    }

    private static MountSpec Mount(string destination, string type, string source, params string[] options) =>
        new() { Destination = destination, Type = type, Source = source, Options = options };
}
