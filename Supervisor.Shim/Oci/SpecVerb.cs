using System.Text.Json;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Oci;

/// <summary><c>spec</c>: a config.json to start from. Like runc's: a terminal, few capabilities, a read-only root.</summary>
internal static class SpecVerb
{
    private static readonly string[] Capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

    public static readonly Verb Verb = new("spec", "", "write a config.json to start from",
        [Flag.Value("bundle b", "directory to write it in"),
            Flag.Switch("rootless", "for an ordinary user: a user namespace, no network namespace")], 0, 0, Run);

    private static int Run(Invocation invocation)
    {
        var file = Path.Join(invocation.Arguments.Text("bundle") ?? ".", "config.json");
        if (File.Exists(file)) throw new OciException("File config.json exists. Remove it first");
        var spec = Default();
        if (invocation.Arguments.IsSet("rootless")) spec = Rootless(spec);
        using var document = JsonDocument.Parse(SpecWriter.Write(spec));
        using var output = new FileStream(file, FileMode.CreateNew, FileAccess.Write);
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions
        {
            Indented = true, IndentCharacter = '\t', IndentSize = 1,
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
            document.WriteTo(json);
        output.WriteByte((byte)'\n');
        return 0;
    }

    private static Spec Default()
    {
        var spec = DefaultSpec.Create(
            ["sh"], "rootfs", new DefaultSpecOptions { Terminal = true, Hostname = "supervisor", ReadOnly = true });
        // As in runc: on v1 the mount of cgroups shows the container's own, with or without a cgroup namespace.
        if (CgroupHierarchies.Discover().Layout is not CgroupLayout.V2)
            spec = spec with { Linux = spec.Linux! with {
                Namespaces = [.. spec.Linux!.Namespaces.Where(n => n.Type is not NamespaceKind.Cgroup)] } };
        return spec with
        {
            Process = spec.Process! with {
                Capabilities = new CapabilitiesSpec {
                Bounding = Capabilities, Effective = Capabilities, Permitted = Capabilities } },
            Mounts = [.. spec.Mounts.Where(m => m.Destination is not "/run")],
        };
    }

    private static Spec Rootless(Spec spec)
    {
        IReadOnlyList<IdMappingSpec> Ids(uint host) => [new IdMappingSpec { ContainerID = 0, HostID = host, Size = 1 }];
        return spec with
        {
            // An unprivileged user cannot mount sysfs for another user's network namespace, nor cgroups: bind the host's instead.
            Mounts =
            [
                .. spec.Mounts.Where(m => m.Destination is not ("/sys" or "/sys/fs/cgroup"))
                    .Select(m => m with { Options = [.. m.Options.Where(o => !o.StartsWith("gid=", StringComparison.Ordinal))] }),
                new MountSpec { Destination = "/sys", Type = "none", Source = "/sys",
                    Options = ["rbind", "nosuid", "noexec", "nodev", "rro"] },
            ],
            Linux = spec.Linux! with
            {
                Namespaces = [.. spec.Linux!.Namespaces.Where(n => n.Type is not NamespaceKind.Network),
                    new NamespaceSpec { Type = NamespaceKind.User }],
                UidMappings = Ids(geteuid()),
                GidMappings = Ids(getegid()),
                Resources = null,
            },
        };
    }
}
