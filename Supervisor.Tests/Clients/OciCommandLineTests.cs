using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>Details of supervisor-oci's command line that callers of runc rely on.</summary>
public sealed class OciCommandLineTests : IDisposable
{
    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    public void Dispose() => _oci.Dispose();

    [Fact]
    public async Task The_executable_has_its_own_name_also_for_callers_that_resolve_links()
    {
        var real = Ok(await CommandLine.RunAsync("readlink", "-f", Executable)).TrimEnd();
        Assert.Equal("supervisor-oci", Path.GetFileName(real));
        Assert.StartsWith("supervisor-oci version", Ok(await CommandLine.RunAsync(real, "--version")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_spec_has_a_cgroup_namespace_on_v2_only()
    {
        await _oci.Configure(["true"]);
        var kinds = JsonNode.Parse(
            await File.ReadAllTextAsync(Path.Join(_oci.Bundle, "config.json")))!["linux"]!["namespaces"]!.AsArray()
            .Select(n => (string?)n!["type"]);
        Assert.Equal(File.Exists("/sys/fs/cgroup/cgroup.controllers"), kinds.Contains("cgroup"));
    }

    [Fact]
    public async Task A_terminal_in_the_foreground_writes_plain_newlines()
    {
        await _oci.Configure(["sh", "-c", "echo a; echo b"], c => c["process"]!["terminal"] = true);
        Assert.Equal("a\nb\n", Ok(await _oci.Do("run", _id)));
        // script(1) types one when it exits
        Assert.Contains("a\r\nb\r\n", (await _oci.InTerminal("run", _id)).Output.Replace("^@", "", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Debug_logs_an_exec()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        var exec = await CommandLine.RunAsync(Executable, "--debug", "--root", _oci.Root, "exec", _id, "true");
        Ok(exec);
        Assert.Contains("level=debug", exec.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_cpus_are_those_of_the_cgroup_and_not_of_the_caller()
    {
        if (Environment.ProcessorCount < 2) return; // pinned to the only one is pinned to all
        await _oci.Configure(["sh", "-c", "grep Cpus_allowed_list /proc/self/status; exec sleep 1000"]);
        var wanted = Ok(await CommandLine.RunAsync("grep", "Cpus_allowed_list", "/proc/1/status"));
        Ok(await CommandLine.RunAsync(
            "sh", "-c", $"taskset -c 0 {Executable} --root {_oci.Root} run -d --bundle {_oci.Bundle} {_id} </dev/null "
            + $">{_oci.Place}/log 2>&1"));
        Assert.Equal(wanted, await _oci.Printed("\n"));
        Assert.Equal(wanted,
            Ok(await CommandLine.RunAsync(
            "taskset", "-c", "0", Executable, "--root", _oci.Root, "exec", _id, "grep", "Cpus_allowed_list",
            "/proc/self/status")));
    }

    [Fact]
    public async Task The_notify_socket_is_writable_for_every_user_inside_whatever_the_umask()
    {
        await _oci.Configure(["sh", "-c", "busybox stat -c %a $NOTIFY_SOCKET"]);
        using var manager = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Dgram, 0);
        var path = Path.Join(_oci.Place, "manager");
        manager.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
        Assert.Equal("777\n",
            Ok(await CommandLine.RunAsync(
            "sh", "-c", $"umask 077; NOTIFY_SOCKET={path} exec {Executable} --root {_oci.Root} run --bundle {_oci.Bundle} "
            + $"{_id}")));
    }
}
