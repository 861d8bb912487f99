using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Oci;

public sealed class DefaultSpecTests
{
    [Fact]
    public void The_default_spec_is_valid_and_uses_only_supported_fields()
    {
        var spec = DefaultSpec.Create(["sh"], "/rootfs");
        SpecValidator.Validate(spec);
        Assert.Empty(SpecValidator.Unsupported(spec));
        Assert.True(spec.Process!.NoNewPrivileges);
        Assert.Empty(spec.Process.Capabilities!.Inheritable);
        Assert.Empty(spec.Process.Capabilities.Ambient);
        Assert.Equal(["pid", "network", "mount", "ipc", "uts", "cgroup"], spec.Linux!.Namespaces.Select(n => n.Type));
        Assert.Contains(spec.Process.Env, e => e.StartsWith("PATH=/", StringComparison.Ordinal));
    }

    [Fact]
    public void Options_are_found_in_the_spec()
    {
        var spec = DefaultSpec.Create(["sh", "-l"], "rootfs", new DefaultSpecOptions
        {
            Env = ["PATH=/bin", "A=b"], Cwd = "/tmp", User = new UserSpec { Uid = 5, Gid = 6 }, Hostname = "h", Terminal = true,
            ReadOnly = true, HostNetwork = true, CgroupMount = false, MemoryLimit = 1 << 24, PidsLimit = 9,
            CgroupsPath = "/default/x",
            Mounts = [new MountSpec { Destination = "/data", Type = "bind", Source = "/srv", Options = ["rbind", "ro"] }],
        });
        SpecValidator.Validate(spec);
        Assert.Equal(["PATH=/bin", "A=b", "TERM=xterm"], spec.Process!.Env);
        Assert.Equal(("/tmp", 5u, 6u, true),
            (spec.Process.Cwd, spec.Process.User.Uid, spec.Process.User.Gid, spec.Process.Terminal));
        Assert.Equal(("rootfs", true, "h"), (spec.Root!.Path, spec.Root.Readonly, spec.Hostname));
        Assert.DoesNotContain(spec.Linux!.Namespaces, n => n.Type == "network");
        Assert.DoesNotContain(spec.Mounts, m => m.Destination == "/sys/fs/cgroup");
        Assert.Equal("/data", spec.Mounts[^1].Destination);
        Assert.Equal((1L << 24, 9L, "/default/x"),
            (spec.Linux.Resources!.Memory!.Limit!.Value, spec.Linux.Resources.Pids!.Limit, spec.Linux.CgroupsPath!));
    }
}
