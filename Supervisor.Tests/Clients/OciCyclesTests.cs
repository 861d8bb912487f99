using System.Globalization;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>
/// Containers created and deleted one after the other leave nothing behind. SUPERVISOR_CYCLES is their number (default 50).
/// </summary>
public sealed class OciCyclesTests : IDisposable
{
    private static readonly int Cycles = int.Parse(
        Environment.GetEnvironmentVariable("SUPERVISOR_CYCLES") ?? "50", CultureInfo.InvariantCulture);
    private readonly OciRuntime _oci = new();

    public void Dispose() => _oci.Dispose();

    [Fact]
    public async Task Created_started_killed_and_deleted_containers_leave_no_process_cgroup_mount_or_file()
    {
        await _oci.Configure(["sleep", "1000"]);
        var prefix = NewId() + "-cycle-";
        for (var i = 0; i < Cycles; i++)
        {
            var id = $"{prefix}{i}";
            Ok(await _oci.Leave("create", id));
            Ok(await _oci.Do("start", id));
            Ok(await _oci.Do("kill", id, "KILL"));
            Ok(await _oci.Do("delete", "--force", id)); // waits for its exit
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(_oci.Root));
        Assert.DoesNotContain(File.ReadLines("/proc/self/mountinfo"), l => l.Contains(_oci.Place, StringComparison.Ordinal));
        var all = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        Assert.Empty(Directory.EnumerateDirectories("/sys/fs/cgroup", prefix + "*", all));
        Assert.DoesNotContain(Directory.EnumerateDirectories("/proc"), d =>
            (Text(d, "mountinfo").Contains(_oci.Place, StringComparison.Ordinal)
                || Text(d, "cgroup").Contains(prefix, StringComparison.Ordinal))
            // zombies have been reparented to the machine's init by now
            && !Text(d, "stat").Contains(") Z ", StringComparison.Ordinal));

        static string Text(string process, string name)
        {
            try
            {
                return char.IsAsciiDigit(Path.GetFileName(process)[0]) ? File.ReadAllText(Path.Join(process, name)) : "";
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return ""; // it has exited meanwhile, or has no such file
            }
        }
    }

    [Fact]
    public async Task Several_processes_create_and_delete_containers_under_one_parent_cgroup_at_the_same_time()
    {
        var parent = NewId();
        using var second = new OciRuntime();
        await Task.WhenAll(Each(_oci, "a"), Each(second, "b"));
        var all = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        Assert.Empty(Directory.EnumerateDirectories("/sys/fs/cgroup", parent, all));

        async Task Each(OciRuntime oci, string name)
        {
            await oci.Configure(["true"], c => c["linux"]!["cgroupsPath"] = $"/{parent}/{name}");
            for (var i = 0; i < Math.Min(Cycles, 20); i++) Ok(await oci.Do("run", $"{parent}-{name}"));
        }
    }

    [Fact]
    public async Task A_foreground_run_without_a_terminal_has_no_thread_that_relays()
    {
        await _oci.Configure(["sleep", "1000"]);
        var id = NewId();
        using var run = Start(Executable, "--root", _oci.Root, "run", "--bundle", _oci.Bundle, id);
        await Eventually.IsTrue(async () => (await _oci.Do("state", id)).Output.Contains("running", StringComparison.Ordinal));
        var threads = Directory.GetDirectories($"/proc/{run.Id}/task").Select(t => File.ReadAllText(t + "/comm").Trim())
            .ToArray();
        Ok(await _oci.Do("kill", id, "KILL"));
        await run.WaitForExitAsync().WaitAsync(Patience);
        Assert.NotEmpty(threads);
        Assert.DoesNotContain("stdio", threads);
    }
}
