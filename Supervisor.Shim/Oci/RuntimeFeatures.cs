using Supervisor.Runtime.Oci;

namespace Supervisor.Shim.Oci;

/// <summary>What this runtime supports, derived from the rules that validate a spec: the two cannot differ.</summary>
internal static class RuntimeFeatures
{
    public static IEnumerable<string> Hooks
    {
        get
        {
            IReadOnlyList<HookSpec> one = [new HookSpec { Path = "/bin/true" }];
            if (Can(new HooksSpec { Prestart = one })) yield return "prestart";
            if (Can(new HooksSpec { CreateRuntime = one })) yield return "createRuntime";
            if (Can(new HooksSpec { CreateContainer = one })) yield return "createContainer";
            if (Can(new HooksSpec { StartContainer = one })) yield return "startContainer";
            if (Can(new HooksSpec { Poststart = one })) yield return "poststart";
            if (Can(new HooksSpec { Poststop = one })) yield return "poststop";

            static bool Can(HooksSpec hooks) => RuntimeFeatures.Can(new Spec { Hooks = hooks, Linux = Basic });
        }
    }

    public static IEnumerable<string> Namespaces => NamespaceKind.All.Where(
        kind => Can(Basic with { Namespaces = [.. Basic.Namespaces, new NamespaceSpec { Type = kind }] }));

    public static IEnumerable<string> MountOptions => Runtime.Oci.MountOptions.KnownWords;

    public static bool IdMappedMounts => Can(new Spec
    {
        Linux = Basic, Mounts = [new MountSpec { Destination = "/a", Source = "/a", Type = "bind", Options = ["bind", "idmap"] }],
    });

    public static bool Seccomp => Can(Basic with { Seccomp = new SeccompSpec { DefaultAction = "SCMP_ACT_ALLOW" } });

    public static bool AppArmor => Can(new Spec { Linux = Basic, Process = new ProcessSpec { ApparmorProfile = "unconfined" } });

    public static bool SELinux => Can(Basic with { MountLabel = "label" });

    public static bool IntelRdt => Can(Basic with { IntelRdt = new IntelRdtSpec() });

    public static bool Rdma => true;

    private static LinuxSpec Basic { get; } = new() { Namespaces = [new NamespaceSpec { Type = NamespaceKind.Mount }] };

    private static bool Can(LinuxSpec linux) => Can(new Spec { Linux = linux });

    private static bool Can(Spec spec) => SpecValidator.Unsupported(spec).Count == 0;
}
