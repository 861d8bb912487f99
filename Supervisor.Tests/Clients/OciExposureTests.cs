using System.Security.Cryptography;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>
/// What a container, or another user of the host, could reach of supervisor-oci and its caller: executable, descriptors, files.
/// </summary>
public sealed class OciExposureTests : IDisposable
{
    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    public void Dispose() => _oci.Dispose();

    [Fact] // CVE-2019-5736, CVE-2016-9962
    public async Task The_runtime_can_neither_be_written_nor_executed_through_proc_self_exe()
    {
        var before = Hash();
        var script = Path.Join(_oci.Rootfs, "self");
        await File.WriteAllTextAsync(script, "#!/proc/self/exe\n");
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        await _oci.Configure(["/self"]);
        await _oci.Do("run", _id); // whatever happens, our executable is not the one that runs
        const string Write = "[ $p = /proc/1 ] && continue; (echo x > $p/exe) 2>/dev/null && echo WROTE $p";
        await _oci.Configure(["sh", "-c", $"while :; do for p in /proc/[0-9]*; do {Write}; done; done"]);
        Ok(await _oci.Leave("run", "-d", _id));
        for (var i = 0; i < 15; i++) Ok(await _oci.Do("exec", _id, "true"));
        await _oci.Do("exec", _id, "/self");
        Ok(await _oci.Do("kill", _id, "KILL"));
        Assert.DoesNotContain("WROTE", await File.ReadAllTextAsync(Path.Join(_oci.Place, "log")), StringComparison.Ordinal);
        Assert.Equal(before, Hash());

        static string Hash() =>
            Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Join(Repository.Bin, "supervisor-oci"))));
    }

    [Fact] // CVE-2024-21626
    public async Task A_descriptor_that_the_caller_left_open_is_neither_inherited_nor_usable_as_a_working_directory()
    {
        await _oci.Configure(["sh", "-c", "echo /proc/self/fd/*; exec sleep 1000"]);
        var run = $"{Executable} --root {_oci.Root} run -d --bundle {_oci.Bundle}";
        Ok(await CommandLine.RunAsync("sh", "-c", $"exec {run} {_id} 3</etc 4</ 9</etc >{_oci.Place}/out 2>&1"));
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        string printed;
        while (!(printed = await File.ReadAllTextAsync(Path.Join(_oci.Place, "out"))).EndsWith('\n'))
            await Task.Delay(20, deadline.Token);
        Assert.DoesNotMatch(@"/fd/([4-9]|\d\d)", printed); // 3 is the shell's descriptor of /proc/self/fd
        var exec = $"{Executable} --root {_oci.Root} exec";
        var list = $"{_id} busybox ls /proc/self/fd 3</etc 4</ 5</etc 9</etc";
        Assert.Equal("0\n1\n2\n3\n4\n", Ok(await CommandLine.RunAsync("sh", "-c", $"exec {exec} --preserve-fds 1 {list}")));
        Assert.Equal("0\n1\n2\n3\n", Ok(await CommandLine.RunAsync("sh", "-c", $"exec {exec} {list}")));
        File.CreateSymbolicLink(Path.Join(_oci.Rootfs, "mnt/self"), "/proc/self/fd");
        for (var fd = 3; fd < 24; fd += 3)
        {
            Fails(await CommandLine.RunAsync("sh", "-c", $"exec {exec} --cwd /proc/self/fd/{fd} {_id} pwd {fd}</etc"), 255,
                "cwd");
            var linked = await CommandLine.RunAsync("sh", "-c", $"exec {exec} --cwd /mnt/self/{fd} {_id} pwd {fd}</etc");
            Assert.Equal(255, linked.Status);
            Assert.Equal("", linked.Output);
        }
    }

    [Fact] // CVE-2021-41103, CVE-2020-15257
    public async Task Our_files_are_accessible_to_their_owner_only_whatever_the_umask()
    {
        await _oci.Configure(["sleep", "1000"]);
        var root = Path.Join(_oci.Place, "open");
        var create = $"{Executable} --root {root} create --bundle {_oci.Bundle} {_id}";
        Ok(await CommandLine.RunAsync("sh", "-c", $"umask 0; exec {create} >{_oci.Place}/out 2>&1"));
        try
        {
            const UnixFileMode Others = (UnixFileMode)0b000_111_111;
            Assert.Equal(default, File.GetUnixFileMode(root) & Others);
            Assert.Equal(default, File.GetUnixFileMode(Path.Join(root, _id)) & Others);
            Assert.Equal(default, File.GetUnixFileMode(Path.Join(root, _id, "start")) & Others);
            Assert.DoesNotContain(File.ReadLines("/proc/net/unix"),
                l => l.Contains($"@{_id}", StringComparison.Ordinal) || l.Contains(" @supervisor", StringComparison.Ordinal));
        }
        finally
        {
            Ok(await CommandLine.RunAsync(Executable, "--root", root, "delete", "--force", _id));
        }
    }
}
