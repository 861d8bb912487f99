using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Runtime.Checkpointing;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>supervisor-oci's checkpoint and restore, with the real criu.</summary>
public sealed class OciCheckpointTests : IDisposable
{
    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    public void Dispose() => _oci.Dispose();

    private string Images => Path.Join(_oci.Place, "images");

    private string[] Paths => ["--image-path", Images, "--work-path", Path.Join(_oci.Place, "work")];

    [CriuFact]
    public async Task A_checkpointed_container_is_deleted_and_restored_under_its_id_with_bind_mounts_and_a_pid_file()
    {
        var volume = Directory.CreateDirectory(Path.Join(_oci.Place, "volume")).FullName;
        await _oci.Configure(
            ["sh", "-c", "i=0; while [ ! -e /vol/end ]; do i=$((i+1)); echo $i >>/vol/numbers; sleep 0.1; done; exit 6"], c =>
            c["mounts"]!.AsArray()
                .Add(JsonNode.Parse($$"""{"destination":"/vol","type":"bind","source":"{{volume}}","options":["rbind","rw"]}""")));
        Ok(await _oci.Leave("run", "-d", _id));
        await Reaches(volume, 3);
        Ok(await _oci.Do("checkpoint", [.. Paths, _id]));
        Fails(await _oci.Do("state", _id), 1, "does not exist");
        var written = Last(volume);
        var pidFile = Path.Join(_oci.Place, "pid");
        Ok(await _oci.Leave("restore", [.. Paths, "--bundle", _oci.Bundle, "-d", "--pid-file", pidFile, _id]));
        await Reaches(volume, written + 3);
        Assert.Equal("running", await _oci.StatusOf(_id));
        Assert.Contains(await File.ReadAllTextAsync(pidFile), Ok(await _oci.Do("state", _id)), StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(1, Last(volume)), File.ReadAllLines(Path.Join(volume, "numbers")).Select(int.Parse));
        Ok(await _oci.Do("exec", _id, "touch", "/vol/end"));
        await _oci.Await(_id, "stopped");
    }

    [CriuFact]
    public async Task A_fresh_root_filesystem_gets_the_mount_points_before_the_restore()
    {
        var volume = Directory.CreateDirectory(Path.Join(_oci.Place, "volume")).FullName;
        await File.WriteAllTextAsync(Path.Join(_oci.Place, "file"), "x");
        await _oci.Configure(
            ["sh", "-c", "i=0; while [ ! -e /new/vol/end ]; do i=$((i+1)); echo $i >>/new/vol/numbers; sleep 0.1; done; exit 6"],
            c =>
        {
            c["mounts"]!.AsArray()
                .Add(JsonNode.Parse($$"""{"destination":"/new/vol","type":"bind","source":"{{volume}}","options":["rbind","rw"]}"""));
            c["mounts"]!.AsArray()
                .Add(JsonNode.Parse($$"""{"destination":"/new/file","type":"bind","source":"{{_oci.Place}}/file","options":["bind","ro"]}"""));
        });
        Ok(await _oci.Leave("run", "-d", _id));
        await Reaches(volume, 3);
        Ok(await _oci.Do("checkpoint", [.. Paths, _id]));
        Directory.Delete(Path.Join(_oci.Rootfs, "new"), recursive: true); // created there by create
        var written = Last(volume);
        Ok(await _oci.Leave("restore", [.. Paths, "--bundle", _oci.Bundle, "-d", _id]));
        await Reaches(volume, written + 3);
        await File.WriteAllTextAsync(Path.Join(volume, "end"), "");
        await _oci.Await(_id, "stopped");
    }

    [CriuFact]
    public async Task Leave_running_keeps_the_container_and_a_foreground_restore_returns_its_exit_status()
    {
        await _oci.Configure(["sh", "-c", "trap 'exit 6' TERM; while :; do sleep 0.1; done"]);
        Ok(await _oci.Leave("run", "-d", _id));
        Ok(await _oci.Do("checkpoint", [.. Paths, "--leave-running", _id]));
        Assert.Equal("running", await _oci.StatusOf(_id));
        Ok(await _oci.Do("delete", "--force", _id));
        var restored = _oci.Leave("restore", [.. Paths, "--bundle", _oci.Bundle, _id]);
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        while ((await _oci.Do("kill", _id, "TERM")).Status != 0) deadline.Token.ThrowIfCancellationRequested();
        Assert.Equal(6, (await restored).Status);
        Fails(await _oci.Do("state", _id), 1, "does not exist");
    }

    [Fact]
    public async Task Unsupported_options_are_refused_and_a_failed_checkpoint_leaves_the_container_running()
    {
        await _oci.Configure(["sleep", "1000"]);
        Ok(await _oci.Leave("run", "-d", _id));
        Fails(await _oci.Do("checkpoint", "--lazy-pages", _id), 1, "--lazy-pages");
        Fails(await _oci.Do("checkpoint", "--page-server", "1.2.3.4:5", _id), 1, "--page-server");
        Fails(await _oci.Do("checkpoint", "--parent-path", "/absolute", _id), 1, "must be relative");
        Fails(await _oci.Do("checkpoint", [.. Paths, "--manage-cgroups-mode", "odd", _id]), 1, "manage-cgroups-mode");
        Fails(await CommandLine.RunAsync(
            Executable, ["--root", _oci.Root, "--criu", "/no/such/criu", "checkpoint", .. Paths, _id]), 1, "/no/such/criu");
        Assert.Equal("running", await _oci.StatusOf(_id));
        Fails(await _oci.Do("restore", [.. Paths, "--bundle", _oci.Bundle, _id]), 1, "already exists");
    }

    private static int Last(string volume)
    {
        var file = Path.Join(volume, "numbers");
        return File.Exists(file) && File.ReadAllLines(file) is [.., { Length: > 0 } last] ? int.Parse(last) : 0;
    }

    private static async Task Reaches(string volume, int number)
    {
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        while (Last(volume) < number) await Task.Delay(20, deadline.Token);
    }
}
