using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>
/// supervisor-oci in a user namespace of its caller, as rootless docker and podman start it: root inside, unprivileged
/// outside. The user's only resource of the host is one delegated cgroup, on v2: no v1 tree is visible.
/// </summary>
public sealed class OciUserNamespaceTests : IDisposable
{
    private const int User = 54321;
    private static readonly string Unified = Directory.Exists("/sys/fs/cgroup/unified")
        ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";

    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    public OciUserNamespaceTests() => Directory.CreateDirectory(Delegated);

    private string Delegated => Path.Join(Unified, _id);

    public void Dispose()
    {
        _oci.Dispose();
        var below = Directory.GetDirectories(Delegated, "*", SearchOption.AllDirectories);
        foreach (var cgroup in below.OrderByDescending(d => d.Length).Append(Delegated)) Directory.Delete(cgroup);
    }

    /// <summary>
    /// Through the host's /sys and through a mount of the container's own. The two writable cases show that the check works.
    /// </summary>
    [Theory] // CVE-2023-25809
    [InlineData("bind", "/sys", "/sys", "rbind,nosuid,noexec,nodev,ro", null)]
    [InlineData("bind", "/sys/", "/host", "rbind,ro", null)]
    [InlineData("bind", "/sys/fs/cgroup", "/host", "rbind,ro", null)]
    [InlineData("cgroup", "cgroup", "/sys/fs/cgroup", "nosuid,noexec,nodev,relatime,ro", null)]
    [InlineData("bind", "/sys", "/sys", "rbind,nosuid,noexec,nodev", "/sys/fs/cgroup/ID")]
    [InlineData("cgroup", "cgroup", "/sys/fs/cgroup", "nosuid,noexec,nodev,relatime", "/sys/fs/cgroup")]
    public async Task A_delegated_cgroup_is_changed_through_a_writable_mount_only(
        string type, string source, string destination, string options, string? made)
    {
        await Configure(new JsonObject
        {
            ["type"] = type, ["source"] = source, ["destination"] = destination,
            ["options"] = new JsonArray([.. options.Split(',').Select(o => (JsonNode)o)]),
        });
        var outcome = await RunAsLender();
        Assert.Equal(made?.Replace("ID", _id, StringComparison.Ordinal) ?? "", Ok(outcome).TrimEnd());
        Assert.Equal(made is null, outcome.Errors.Contains("Read-only file system", StringComparison.Ordinal));
    }

    /// <summary>A container with this mount that prints where it could create a cgroup.</summary>
    private async Task Configure(JsonObject mount)
    {
        const string Try = """
            for d in /sys/fs/cgroup /sys/fs/cgroup/$0 /host/fs/cgroup/$0 /host/$0; do
              [ -e $d/cgroup.procs ] && mkdir $d/made && echo $d
            done; true
            """;
        await _oci.Configure(["sh", "-c", Try, _id], c =>
        {
            // This user can mount no sysfs of a foreign network namespace, no cgroups, and no devpts with a group that is not
            // mapped in the user namespace.
            Without(c["mounts"]!.AsArray(), m => ((string)m["destination"]!).StartsWith("/sys", StringComparison.Ordinal));
            foreach (var other in c["mounts"]!.AsArray().Select(m => m!["options"]).OfType<JsonArray>())
                Without(other, o => ((string)o!).StartsWith("gid=", StringComparison.Ordinal));
            c["mounts"]!.AsArray().Add(mount);
            Without(c["linux"]!["namespaces"]!.AsArray(), n => (string)n["type"]! is "network" or "cgroup");
            c["linux"]!["cgroupsPath"] = $"/{_id}/c";
            c["root"]!["readonly"] = false;
        });
        File.CreateSymbolicLink(Path.Join(_oci.Rootfs, "bin/mkdir"), "busybox");
        await _oci.ChownTo(User);
        Ok(await CommandLine.RunAsync("chown", "-R", $"{User}:{User}", Delegated));
    }

    private static void Without(JsonArray all, Func<JsonNode, bool> some)
    {
        foreach (var one in all.Where(n => some(n!)).ToList()) all.Remove(one);
    }

    private Task<CommandLine.Outcome> RunAsLender() => CommandLine.RunAsync("unshare", "--mount", "sh", "-ec", $"""
        umount --recursive /sys/fs/cgroup
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        echo 0 >/sys/fs/cgroup/{_id}/cgroup.procs
        exec setpriv --reuid {User} --regid {User} --clear-groups \
          unshare --user --map-root-user {_oci.Copy} --root {_oci.Root} run --bundle {_oci.Bundle} {_id}
        """);
}
