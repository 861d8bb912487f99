using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>Killing and deleting containers of supervisor-oci that are paused or not started yet.</summary>
public sealed class OciKillTests : IDisposable
{
    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    public void Dispose() => _oci.Dispose();

    [Theory]
    [InlineData("KILL")]
    [InlineData("--all KILL")]
    public async Task A_paused_container_is_killed(string arguments)
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        Ok(await _oci.Do("pause", _id));
        var words = arguments.Split(' ');
        Ok(await _oci.Do("kill", [.. words[..^1], _id, words[^1]]));
        await _oci.Await(_id, "stopped");
    }

    [Fact]
    public async Task A_paused_container_is_deleted_by_force()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        Ok(await _oci.Do("pause", _id));
        Ok(await _oci.Do("delete", "--force", _id));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_oci.Root));
    }

    [Fact]
    public async Task SIGTERM_kills_a_container_that_is_created_but_not_started()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("create", _id));
        Ok(await _oci.Do("kill", _id, "TERM"));
        await _oci.Await(_id, "stopped");
        Ok(await _oci.Do("delete", _id));
    }

    [Fact]
    public async Task A_frozen_cgroup_is_refused_by_its_path()
    {
        var frozen = $"/sys/fs/cgroup/freezer/{_id}";
        if (!Directory.Exists("/sys/fs/cgroup/freezer")) return;
        Directory.CreateDirectory(frozen);
        try
        {
            await File.WriteAllTextAsync($"{frozen}/freezer.state", "FROZEN");
            await _oci.Configure(["true"], c => c["linux"]!["cgroupsPath"] = $"/{_id}");
            Fails(await _oci.Do("run", _id), 1, "frozen");
            Assert.StartsWith("FR", await File.ReadAllTextAsync($"{frozen}/freezer.state"), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(frozen);
        }
    }

    [Fact]
    public async Task Parent_cgroups_are_removed_with_their_last_container()
    {
        var (parent, second) = ($"oci-test-parent-{_id}", NewId());
        foreach (var id in (string[])[_id, second])
        {
            await _oci.Configure(["sleep", "1000"], c => c["linux"]!["cgroupsPath"] = $"/{parent}/{id}");
            Ok(await _oci.Leave("run", "-d", id));
        }
        Assert.NotEmpty(Directory.EnumerateDirectories(
            "/sys/fs/cgroup", parent, new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 }));
        Ok(await _oci.Do("delete", "--force", _id)); // the one that they were created for
        Ok(await _oci.Do("delete", "--force", second));
        Assert.Empty(Directory.EnumerateDirectories(
            "/sys/fs/cgroup", parent, new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 }));
    }

    [Fact]
    public async Task A_read_only_root_without_a_mount_namespace_is_refused()
    {
        await _oci.Configure(["touch", "/written"], c =>
        {
            var linux = c["linux"]!.AsObject();
            foreach (var name in (string[])["maskedPaths", "readonlyPaths"]) linux.Remove(name);
            linux["namespaces"]!.AsArray().RemoveAll(n => (string?)n!["type"] == "mount");
            c["mounts"] = new JsonArray();
            c["root"]!["readonly"] = true;
        });
        Fails(await _oci.Do("run", _id), 1, "root.readonly");
        Assert.False(File.Exists(Path.Join(_oci.Rootfs, "written")));
    }
}
