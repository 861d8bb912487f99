using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>Behaviour checked by the integration suites of runc and crun that we once failed, in checks of our own.</summary>
public sealed class OciForeignChecksTests : IDisposable
{
    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    public void Dispose() => _oci.Dispose();

    [Fact]
    public async Task A_program_that_cannot_be_executed_is_named_in_a_one_line_error()
    {
        var script = Path.Join(_oci.Rootfs, "run.sh");
        await File.WriteAllTextAsync(script, "#!/mmnnttbb foo bar\nsh\n");
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        await _oci.Configure(["/run.sh"]);
        var run = await _oci.Do("run", _id);
        Fails(run, 1, "exec /run.sh: no such file or directory");
        Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        var exec = await _oci.Do("exec", _id, "/run.sh");
        Fails(exec, 255, "exec /run.sh: no such file or directory");
        Assert.Single(exec.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Fails(await _oci.Do("exec", _id, "nope"), 255, "exec: \\\"nope\\\": executable file not found in $PATH");
        Fails(await _oci.Do("exec", _id, "/nope"), 255, "exec: \\\"/nope\\\": stat /nope: no such file or directory");
    }

    [Fact]
    public async Task Unknown_capabilities_are_ignored_with_a_warning()
    {
        await _oci.Configure(
            ["grep", "CapEff", "/proc/self/status"], c => c["process"]!["capabilities"]!["effective"]!.AsArray().Add("CAP_FOO"));
        Assert.Equal("CapEff:\t0000000020000420\n", Ok(await _oci.Do("run", _id)));
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        var exec = await _oci.Do(
            "exec", "--cap", "CAP_UNKNOWN", "--cap", "CAP_SYS_ADMIN", _id, "grep", "CapEff", "/proc/self/status");
        Assert.Equal("CapEff:\t0000000020200420\n", Ok(exec));
        Assert.Contains("level=warning msg=\"ignoring unknown or unavailable capabilities: [CAP_UNKNOWN]\"", exec.Errors,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_relative_mount_destination_is_resolved_from_the_root_with_a_warning()
    {
        await _oci.Configure(
            ["cat", "/mnt/bind/config.json"], c =>
            c["mounts"]!.AsArray().Add(JsonNode.Parse("""{"destination":"mnt/bind","source":".","options":["bind"]}""")));
        var outcome = await _oci.Do("run", _id);
        Assert.Equal(await File.ReadAllTextAsync(Path.Join(_oci.Bundle, "config.json")), Ok(outcome));
        Assert.Contains("mount destination mnt/bind is not absolute", outcome.Errors, StringComparison.Ordinal);
        await _oci.Configure(
            ["true"], c => c["mounts"]!.AsArray().Add(JsonNode.Parse("""{"destination":"","type":"tmpfs","source":"tmpfs"}""")));
        Fails(await _oci.Do("run", _id), 1, "is not an absolute path");
    }

    [Fact]
    public async Task Missing_descriptors_are_named_and_invalid_LISTEN_variables_are_ignored()
    {
        await _oci.Configure(["sh", "-c", "env; echo /proc/self/fd/*"]);
        var run = $"{Executable} --root {_oci.Root} run --bundle {_oci.Bundle}";
        Fails(await CommandLine.RunAsync("sh", "-c", $"exec {run} --preserve-fds=1 {_id} 3<&-"), 1, "preserved-fd 0");
        foreach (var nonsense in (string[])["x", "-1", "1e3", ""])
        {
            var outcome = Ok(await CommandLine.RunAsync("sh", "-c", $"LISTEN_FDS={nonsense} exec {run} {_id} 3</etc"));
            Assert.DoesNotContain("LISTEN", outcome, StringComparison.Ordinal);
            Assert.DoesNotContain("/fd/4", outcome, StringComparison.Ordinal);
        }
        Fails(await CommandLine.RunAsync("sh", "-c", $"LISTEN_FDS=5000 exec {run} {_id}"), 1, "LISTEN_FDS=5000");
    }

    [Fact]
    public async Task Files_that_cannot_be_opened_are_named_with_the_reason()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        Fails(await _oci.Do("exec", "--pid-file", "/nonexistent/pid", _id, "true"), 255,
            "open /nonexistent/.pid: no such file or directory");
        Fails(await CommandLine.RunAsync(Executable, "--log", "/nonexistent/log", "list"), 1,
            "open /nonexistent/log: no such file or directory");
        Fails(await _oci.Do("update", "-r", "/nonexistent", _id), 1, "open /nonexistent: no such file or directory");
        Fails(await _oci.Do("exec", "-p", "/nonexistent/p", _id), 255, "open /nonexistent/p: no such file or directory");
        Fails(await _oci.Do("spec", "-b", "/nonexistent"), 1, "open /nonexistent/config.json: no such file or directory");
        Fails(await _oci.Do("update", "-r", _oci.Place, _id), 1, "permission denied"); // a directory, as the library has it
    }

    private const string Limit = """{"pids":{"limit":31}}""";

    [Fact]
    public async Task An_exec_reads_its_process_from_a_pipe_and_an_update_from_standard_input()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        var oci = $"{Executable} --root {_oci.Root}";
        Assert.Equal("piped\n",
            Ok(await CommandLine.RunAsync(
            "bash", "-c", $$"""{{oci}} exec -p <(echo '{"args":["echo","piped"],"cwd":"/","env":["PATH=/bin"]}') {{_id}}""")));
        Ok(await CommandLine.RunAsync("bash", "-c", $"""echo '{Limit}' | {oci} update -r - {_id}"""));
        Assert.Equal(31, (int)JsonNode.Parse(Ok(await _oci.Do("events", "--stats", _id)))!["data"]!["pids"]!["limit"]!);
        Assert.Contains("Kernel memory settings are ignored", (await _oci.Do("update", _id, "--kernel-memory", "50M")).Errors,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_working_directory_may_be_accessible_to_root_only_and_must_exist()
    {
        var own = Directory.CreateDirectory(Path.Join(_oci.Rootfs, "own")).FullName;
        File.SetUnixFileMode(own, (UnixFileMode)0b111_000_000);
        await _oci.Configure(["sh", "-c", "busybox id -u; pwd; exec sleep 1000"], c =>
        {
            c["process"]!["cwd"] = "/own";
            c["process"]!["user"]!["uid"] = 42;
        });
        Ok(await _oci.Leave("run", "-d", _id));
        Assert.Equal("42\n/own\n", await _oci.Printed("/own\n"));
        Ok(await CommandLine.RunAsync("chown", "42", own));
        Assert.Equal("/own\n", Ok(await _oci.Do("exec", "--user", "0", _id, "pwd"))); // root without CAP_DAC_OVERRIDE
        Assert.Equal("/\n", Ok(await _oci.Do("exec", "--cwd", "/", _id, "pwd")));
        Fails(await _oci.Do("exec", "--cwd", "/absent", _id, "pwd"), 255,
            "chdir to process.cwd \\\"/absent\\\": no such file or directory");
        Fails(await _oci.Do("exec", "--cwd", "/bin/busybox", _id, "pwd"), 255, "not a directory");
    }

    [Fact]
    public async Task A_limit_of_a_missing_controller_is_an_invalid_configuration()
    {
        await _oci.Configure(["true"], c => c["linux"]!["resources"]!["unified"] = JsonNode.Parse("""{"nonsense.max":"1"}"""));
        Fails(await _oci.Do("run", _id), 1, "invalid configuration");
    }

    [Fact]
    public async Task Obsolete_mount_options_are_ignored()
    {
        await _oci.Configure(["grep", " /mnt ", "/proc/mounts"], c => c["mounts"]!.AsArray().Add(
            JsonNode.Parse("""{"destination":"/mnt","type":"tmpfs","source":"tmpfs","options":["acl","noacl","iversion","silent","loud","dirsync","noexec"]}""")));
        Assert.Contains("noexec", Ok(await _oci.Do("run", _id)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hooks_receive_the_status_of_their_stage()
    {
        string[] points = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
        await _oci.Configure(["true"], c => c["hooks"] = new JsonObject(points.Select(p => KeyValuePair.Create<string, JsonNode?>(
            p, JsonNode.Parse($$"""[{"path":"/bin/sh","args":["sh","-c","cat > {{_oci.Place}}/{{p}}"]}]""")))));
        Ok(await _oci.Do("run", _id));
        foreach (var (point, status) in points.Zip(["created", "creating", "creating", "running", "stopped"]))
            Assert.Equal(status, (string?)JsonNode.Parse(await File.ReadAllTextAsync(Path.Join(_oci.Place, point)))!["status"]);
    }

    [Fact]
    public async Task The_last_value_of_a_repeated_variable_counts_and_an_empty_HOME_is_unset()
    {
        await File.WriteAllTextAsync(Path.Join(_oci.Rootfs, "etc/passwd"), "root:x:0:0::/root-home:/bin/sh\n");
        await _oci.Configure(
            ["env"], c => c["process"]!["env"] = new JsonArray("ONE=two", "HOME=/x", "ONE=", "HOME=", "PATH=/bin", "LINES=a\nb"));
        Assert.Equal("ONE=\nPATH=/bin\nLINES=a\nb\nHOME=/root-home\n", Ok(await _oci.Do("run", _id)));
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        Assert.Equal("/bin 3\n",
            Ok(await _oci.Do("exec", "-e", "PATH=/bin", "-e", "X=2", "-e", "X=3", "--cwd", "", _id, "sh", "-c",
            "echo $PATH $X")));
        Assert.Equal(1, Ok(await _oci.Do("exec", "-e", "PATH=/bin", _id, "env")).Split("PATH=").Length - 1);
    }

    [Fact]
    public async Task A_malformed_capability_name_is_ignored()
    {
        await _oci.Configure(
            ["grep", "CapBnd", "/proc/self/status"], c =>
            c["process"]!["capabilities"] = JsonNode.Parse("""{"bounding":["CAP_UNKNOWN","UNKNOWN_CAP","CAP_KILL"]}"""));
        Assert.Equal("CapBnd:\t0000000000000020\n", Ok(await _oci.Do("run", _id)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hook_in_the_container_runs_under_its_seccomp_filter(bool noNewPrivileges)
    {
        await _oci.Configure(["echo", "ran"], c =>
        {
            c["process"]!["noNewPrivileges"] = noNewPrivileges;
            c["process"]!["rlimits"] = JsonNode.Parse("""[{"type":"RLIMIT_CORE","soft":0,"hard":0}]""");
            c["linux"]!["seccomp"] =
                JsonNode.Parse("""{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],"syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_KILL"}]}""");
            c["hooks"] = JsonNode.Parse("""{"startContainer":[{"path":"/bin/busybox","args":["mkdir","/dev/shm/foo"]}]}""");
        });
        var outcome = await _oci.Do("run", _id);
        Fails(outcome, 1, "error running startContainer hook");
        Assert.Contains("bad system call", outcome.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("ran\n", outcome.Output, StringComparison.Ordinal);
        var log = Path.Join(_oci.Place, "debug"); // not our streams, which the init keeps open
        Ok(await CommandLine.RunAsync(
            "sh", "-c", $"exec {Executable} --debug --root {_oci.Root} create --bundle {_oci.Bundle} {_id} </dev/null >{log} "
            + "2>&1"));
        Assert.Contains("msg=\"seccomp filter flags: 4\"", await File.ReadAllTextAsync(log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_namespace_may_have_no_root()
    {
        Ok(await CommandLine.RunAsync("chown", "-R", "100000:100000", _oci.Rootfs));
        await _oci.Configure(["sh", "-c", "id; grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status; exec sleep 1000"], c =>
        {
            c["process"]!["user"] = JsonNode.Parse("""{"uid":1000,"gid":1000}""");
            c["linux"]!["namespaces"]!.AsArray().Add(JsonNode.Parse("""{"type":"user"}"""));
            c["linux"]!["uidMappings"] = JsonNode.Parse("""[{"containerID":1000,"hostID":100000,"size":1}]""");
            c["linux"]!["gidMappings"] = JsonNode.Parse("""[{"containerID":1000,"hostID":100000,"size":1}]""");
            c["process"]!["capabilities"] = new JsonObject();
            var pts = c["mounts"]!.AsArray().Single(m => (string)m!["destination"]! == "/dev/pts")!;
            pts["options"] = new JsonArray(
                [.. pts["options"]!.AsArray().Select(o => (string)o!).Where(o => o != "gid=5").Select(o => (JsonNode)o)]);
        });
        const string None = "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
            + "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n";
        Ok(await _oci.Leave("run", "-d", _id));
        Assert.Equal("uid=1000 gid=1000\n" + None, await _oci.Printed(None));
        Assert.Equal("1000\n", Ok(await _oci.Do("exec", _id, "id", "-u")));
        Assert.Equal(None, Ok(await _oci.Do("exec", _id, "grep", "-E", "Cap(Inh|Prm|Eff|Bnd|Amb)", "/proc/self/status")));
    }

    [Fact]
    public async Task The_pidfd_of_a_process_is_sent_to_the_given_socket()
    {
        await _oci.Configure(["sleep", "1000"]);
        foreach (var verb in (string[])["create", "exec"])
        {
            var path = Path.Join(_oci.Place, "pidfd-" + verb);
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(1);
            var sent = listener.AcceptAsync();
            Ok(verb == "create" ? await _oci.Leave("create", "--pidfd-socket", path, _id)
                : await _oci.Do("exec", "--pidfd-socket", path, _id, "true"));
            using var connection = await sent.WaitAsync(CommandLine.Patience);
            var name = new byte[64];
            // only recvmsg receives the descriptor that comes with it
            Assert.Equal("pidfd", Encoding.UTF8.GetString(name, 0, await connection.ReceiveAsync(name)));
            if (verb == "create") Ok(await _oci.Do("start", _id));
        }
        Fails(await _oci.Do("exec", "--pidfd-socket", "/nonexistent", _id, "true"), 255, "pidfd socket /nonexistent");
    }

    [Fact]
    public async Task Features_list_the_seccomp_capabilities()
    {
        var seccomp = JsonNode.Parse(Ok(await CommandLine.RunAsync(Executable, "features")))!["linux"]!["seccomp"]!;
        Assert.True((bool)seccomp["enabled"]!);
        foreach (var (name, member) in new[] { ("actions", "SCMP_ACT_NOTIFY"), ("operators", "SCMP_CMP_MASKED_EQ"),
            ("archs", "SCMP_ARCH_X86_64"), ("knownFlags", "SECCOMP_FILTER_FLAG_LOG") })
            Assert.Contains(member, seccomp[name]!.AsArray().Select(n => (string)n!));
    }

    [Theory]
    [InlineData("run")]
    [InlineData("start")]
    public async Task The_service_manager_receives_readiness_and_the_pid_and_nothing_else(string verb)
    {
        var path = Path.Join(_oci.Place, "manager");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(path));
        manager.ReceiveTimeout = (int)CommandLine.Patience.TotalMilliseconds;
        // busybox's only client of such sockets is logger(1), which sends to /dev/log: lines after the first are ours.
        await _oci.Configure(
            ["sh", "-c", "ln -s $NOTIFY_SOCKET /dev/log; busybox logger 'x\nSTOPPING=1\nMAINPID=1'; busybox logger "
            + "'x\nREADY=1'; busybox ls $(busybox dirname $NOTIFY_SOCKET); echo $NOTIFY_SOCKET; exec sleep 1000"]);
        var log = Path.Join(_oci.Place, "log");
        Task<CommandLine.Outcome> With(string arguments) =>
            CommandLine.RunAsync(
            "sh", "-c", $"NOTIFY_SOCKET={path} exec {Executable} --root {_oci.Root} {arguments} </dev/null >>{log} 2>&1");
        if (verb == "run") Ok(await With($"run -d --bundle {_oci.Bundle} {_id}"));
        else
        {
            Ok(await With($"create --bundle {_oci.Bundle} {_id}"));
            Ok(await With($"start {_id}"));
        }
        var buffer = new byte[4096];
        var pid = (int)JsonNode.Parse(Ok(await _oci.Do("state", _id)))!["pid"]!;
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"MAINPID={pid}\n"),
            Encoding.UTF8.GetString(buffer, 0, manager.Receive(buffer)));
        Assert.Equal("READY=1\n", Encoding.UTF8.GetString(buffer, 0, manager.Receive(buffer)));
        Assert.Equal(0, manager.Available);
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        while (!(await File.ReadAllTextAsync(log)).Contains($"notify\n{path}/notify\n", StringComparison.Ordinal))
            await Task.Delay(20, deadline.Token);
    }
}
