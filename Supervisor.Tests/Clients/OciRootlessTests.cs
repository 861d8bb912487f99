using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>
/// supervisor-oci for an unprivileged user: a user id of the host, in a user namespace that the runtime creates, without
/// cgroups.
/// </summary>
public sealed class OciRootlessTests : IDisposable
{
    private const int User = 54321;
    private readonly OciRuntime _oci = new(User);
    private readonly string _id = NewId();

    public void Dispose() => _oci.Dispose();

    [Fact]
    public async Task A_container_of_an_unprivileged_user_is_created_started_and_deleted()
    {
        await Configure(["sh", "-c", "id; touch /vol/made; trap 'exit 3' TERM; while :; do sleep 0.1; done"]);
        Ok(await _oci.Leave("create", "--pid-file", Path.Join(_oci.Place, "pid"), _id));
        Assert.Equal("created", await _oci.StatusOf(_id));
        Ok(await _oci.Do("start", _id));
        Assert.StartsWith("uid=0 gid=0", await _oci.Printed("uid=0 gid=0\n"), StringComparison.Ordinal);
        Assert.Equal("0\n", Ok(await _oci.Do("exec", _id, "id", "-u")));
        Assert.Equal(_id, Ok(await _oci.Do("list", "-q")).Trim());
        var pid = await File.ReadAllTextAsync(Path.Join(_oci.Place, "pid"));
        Assert.Contains($"{User}\t{User}\t{User}\t{User}", await File.ReadAllTextAsync($"/proc/{pid}/status"),
            StringComparison.Ordinal);
        Assert.Equal($"{User}", Ok(await CommandLine.RunAsync("stat", "-c", "%u", Path.Join(_oci.Rootfs, "vol/made"))).Trim());
        Ok(await _oci.Do("kill", _id, "TERM"));
        await _oci.Await(_id, "stopped");
        Ok(await _oci.Do("delete", _id));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_oci.Root));
    }

    [Fact]
    public async Task An_exit_status_and_a_missing_program_are_reported_as_for_root()
    {
        await Configure(["sh", "-c", "exit 7"]);
        Assert.Equal(7, (await _oci.Do("run", _id)).Status);
        await Configure(["/no/such"]);
        var outcome = await _oci.Do("run", _id);
        Assert.NotEqual(0, outcome.Status);
        Assert.Contains("/no/such", outcome.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_oci.Root));
    }

    /// <summary>
    /// Also with a configuration of "ro" only, as other runtimes write it: read-only /sys includes the cgroups beneath.
    /// </summary>
    [Theory] // CVE-2023-25809
    [InlineData("rro")]
    [InlineData("ro")]
    public async Task Cgroups_delegated_to_the_user_are_read_only_in_the_container(string word)
    {
        var delegated = Path.Join(Directory.Exists("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup", _id);
        Directory.CreateDirectory(delegated);
        try
        {
            Ok(await CommandLine.RunAsync("chown", "-R", $"{User}", delegated));
            const string Try = "mkdir $0/made; echo 1 >$0/cgroup.procs; mkdir /sys/fs/cgroup/made; ls -d $0";
            await Configure(["sh", "-c", Try, delegated], c =>
            {
                foreach (var mount in c["mounts"]!.AsArray().Where(m => (string)m!["destination"]! == "/sys"))
                    mount!["options"] = new JsonArray("rbind", "nosuid", "noexec", "nodev", word);
                var namespaces = c["linux"]!["namespaces"]!.AsArray();
                foreach (var cgroup in namespaces.Where(n => (string)n!["type"]! == "cgroup").ToList()) namespaces.Remove(cgroup);
            });
            var outcome = await _oci.Do("run", _id);
            Assert.Equal($"{delegated}\n", outcome.Output); // it is visible
            Assert.Equal(3, outcome.Errors.Split("Read-only file system").Length - 1);
            Assert.Empty(Directory.GetDirectories(delegated));
        }
        finally
        {
            foreach (var below in Directory.GetDirectories(delegated)) Directory.Delete(below);
            Directory.Delete(delegated);
        }
    }

    /// <summary>With a writable root.</summary>
    private Task Configure(string[] command, Action<JsonNode>? change = null) => _oci.Configure(command, c =>
    {
        c["root"]!["readonly"] = false;
        change?.Invoke(c);
    });
}
