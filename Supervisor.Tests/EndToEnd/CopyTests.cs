using System.Diagnostics;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>cp and export on running, paused and stopped containers.</summary>
public sealed class CopyTests : IAsyncLifetime
{
    private DaemonProcess _daemon = null!;
    private string _rootfs = "", _here = "";

    public async Task InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync();
        (_rootfs, _here) = (Path.Join(_daemon.Place, "rootfs"), Path.Join(_daemon.Place, "here"));
        await Sh($"mkdir -p {_rootfs}/bin {_rootfs}/srv {_rootfs}/proc {_rootfs}/tmp {_here}");
        ProgramCopy.OfBusybox(Path.Join(_rootfs, "bin", "busybox"));
        await Sh($"cd {_rootfs}/bin && for applet in sh sleep cat ln mv mkdir; do ln -s busybox $applet; done");
    }

    public async Task DisposeAsync() => await _daemon.DisposeAsync();

    [Theory]
    [InlineData("running")]
    [InlineData("paused")]
    [InlineData("stopped")]
    [InlineData("created")]
    public async Task Files_go_in_and_out_in_every_state(string state)
    {
        await ContainerAsync("c", state);
        await Sh($"mkdir -p {_here}/d/sub && echo one > {_here}/d/sub/f && chmod 640 {_here}/d/sub/f && ln -s f {_here}/d/sub/l "
            + $"&& chown 12:34 {_here}/d/sub/f && touch -d 2001-02-03T04:05:06 {_here}/d/sub/f");
        Assert.Equal(new Outcome(0, "", ""), await _daemon.Do("cp", $"{_here}/d", "c:/srv"));
        Assert.Equal("12:34 640", await Sh($"stat -c '%u:%g %a' {_here}/d/sub/f"));
        Assert.Equal("0:0 640", await Sh($"stat -c '%u:%g %a' {_rootfs}/srv/d/sub/f"));
        Assert.Equal(new Outcome(0, "", ""), await _daemon.Do("cp", "-a", $"{_here}/d/.", "c:srv/new"));
        Assert.Equal("12:34 640", await Sh($"stat -c '%u:%g %a' {_rootfs}/srv/new/sub/f"));

        Assert.Equal(new Outcome(0, "", ""), await _daemon.Do("cp", "-a", "c:/srv/new", $"{_here}/back"));
        Assert.Equal("", await Sh($"diff -r {_here}/d {_here}/back"));
        Assert.Equal("12:34 640 981173106", await Sh($"stat -c '%u:%g %a %Y' {_here}/back/sub/f"));
        Assert.Equal(new Outcome(0, "", ""), await _daemon.Do("cp", "-L", "c:/srv/new/sub/l", $"{_here}/followed"));
        Assert.Equal("one", await Sh($"cat {_here}/followed"));
        Assert.Equal(state is "created" ? "" : state, state is "created" ? "" : await _daemon.Status("c"));
    }

    [Fact]
    public async Task A_tar_goes_through_standard_input_and_output()
    {
        await ContainerAsync("c", "running");
        await Sh($"mkdir -p {_here}/t && echo one > {_here}/t/f && chown 12:34 {_here}/t/f");
        await Sh($"tar -C {_here} -c t | {Cli} cp - c:/srv");
        Assert.Equal("12:34", await Sh($"stat -c %u:%g {_rootfs}/srv/t/f"));
        Assert.Equal("t/\nt/f", await Sh($"{Cli} cp c:/srv/t - | tar -t"));
        Assert.Equal("./\nf", await Sh($"{Cli} cp c:/srv/t/. - | tar -t"));
        Assert.Equal("one", await Sh($"{Cli} cp c:/srv/t - | {Cli} cp - c:/tmp && cat {_rootfs}/tmp/t/f"));
        var none = await RunAsync("sh", "-c", $"tar -C {_here} -c t | {Cli} cp - c:/none");
        Assert.Equal((125, "supervisor: \"/none\": no such directory\n"), (none.Status, none.Errors));
        var noTar = await RunAsync("sh", "-c", $"head -c 2000 /dev/zero | tr '\\0' x | {Cli} cp - c:/srv");
        Assert.Contains("the tar holds", noTar.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_running_containers_mounts_are_copied_and_a_kernels_files_are_not()
    {
        await ContainerAsync("c", "running");
        Ok(await _daemon.Do("exec", "c", "sh", "-c", "echo seen > /dev/shm/f"));
        Ok(await _daemon.Do("cp", "c:/dev/shm/f", $"{_here}/f"));
        Assert.Equal("seen", await Sh($"cat {_here}/f"));
        Ok(await _daemon.Do("cp", $"{_here}/f", "c:/dev/shm/g"));
        Assert.Equal("seen\n", Ok(await _daemon.Do("exec", "c", "cat", "/dev/shm/g")));
        foreach (var (line, why) in ((string, string)[])[
            ($"{_here}/f c:/proc/sys/kernel/core_pattern", "(proc)"), ("c:/proc/version " + _here, "(proc)"),
            ($"{_here}/f c:/dev/null", "neither a file nor a directory"), ($"{_here}/f c:/sys/fs", "(sysfs)")])
        {
            var refused = await _daemon.Do(["cp", .. line.Split(' ')]);
            Assert.Equal(125, refused.Status);
            Assert.Contains(why, refused.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_read_only_root_is_refused_and_a_writable_mount_in_it_is_not()
    {
        Ok(await _daemon.Do("run", "-d", "--read-only", "--name", "c", "--rootfs", _rootfs, "--", "sh", "-c", "sleep 1000"));
        await Sh($"echo one > {_here}/f");
        var refused = await _daemon.Do("cp", $"{_here}/f", "c:/srv/f");
        Assert.Equal((125, "supervisor: cannot write \"f\": its file system is read-only (openat2: EROFS)\n"),
            (refused.Status, refused.Errors));
        Ok(await _daemon.Do("cp", $"{_here}/f", "c:/dev/shm/f"));
        Ok(await _daemon.Do("stop", "-t", "0", "c"));
        refused = await _daemon.Do("cp", $"{_here}/f", "c:/srv/f");
        Assert.Equal((125, "supervisor: container c: its root file system is read-only: nothing can be copied into it\n"),
            (refused.Status, refused.Errors));
        Assert.Equal("", await Sh($"ls {_rootfs}/srv"));
    }

    [Theory]
    [InlineData("cp here there", "neither path is in a container")]
    [InlineData("cp c:/a d:/b", "both paths are in containers")]
    [InlineData("cp c: there", "no path after the colon")]
    [InlineData("cp c:/none there", "\"/none\": no such file or directory in container c")]
    [InlineData("cp ./none c:/srv", "\"./none\": no such file or directory")]
    [InlineData("cp none:/srv there", "container \"none\"")]
    [InlineData("cp c:/bin/busybox/ there", "\"/bin/busybox/\"")]
    [InlineData("cp c:/srv /dev/null", "is a file: a directory")]
    [InlineData("cp c:/bin/busybox /dev/null", "neither a file nor a directory")]
    [InlineData("export none", "container \"none\"")]
    public async Task What_cannot_be_copied_is_refused_with_the_reason(string line, string why)
    {
        await ContainerAsync("c", "running");
        var refused = await _daemon.Do(line.Split(' '));
        Assert.Equal((125, ""), (refused.Status, refused.Output));
        Assert.Contains(why, refused.Errors, StringComparison.Ordinal);
        Assert.True(File.Exists("/dev/null") && !File.Exists("there"));
    }

    [Fact]
    public async Task A_set_id_program_and_a_device_do_not_leave_the_container_with_their_rights()
    {
        await ContainerAsync("c", "running");
        await Sh($"cp {_rootfs}/bin/busybox {_rootfs}/srv/su && chmod 4755 {_rootfs}/srv/su && mknod {_rootfs}/tmp/disk b 7 200");
        Ok(await _daemon.Do("cp", "c:/srv/su", $"{_here}/su"));
        Assert.Equal("755", await Sh($"stat -c %a {_here}/su"));
        var refused = await _daemon.Do("cp", "c:/tmp", $"{_here}/tmp");
        Assert.Contains("is a device: only -a copies devices", refused.Errors, StringComparison.Ordinal);
        Assert.Equal("su", await Sh($"ls -A {_here}"));
        Ok(await _daemon.Do("cp", "-a", "c:/srv/su", $"{_here}/su"));
        Assert.Equal("4755", await Sh($"stat -c %a {_here}/su"));
    }

    [Fact]
    public async Task A_copy_that_is_interrupted_leaves_nothing_and_the_daemon_goes_on()
    {
        await ContainerAsync("c", "running");
        await Sh($"mkdir {_here}/big && head -c 200M /dev/zero > {_here}/big/a && mkfifo {_here}/pipe");
        using var copy = Start("sh", "-c", $"cat {_here}/pipe | exec {Cli} cp - c:/srv");
        await using (var feed = new FileStream($"{_here}/pipe", FileMode.Open, FileAccess.Write))
        {
            using var tar = Start("sh", "-c", $"tar -C {_here} -c big | head -c 100M");
            await tar.StandardOutput.BaseStream.CopyToAsync(feed);
            await feed.FlushAsync();
            await Eventually.IsTrue(() => Directory.GetFiles($"{_rootfs}/srv/big", ".supervisor-copy-*").Length == 1);
            copy.Kill(entireProcessTree: true);
        }
        await Eventually.IsTrue(() => Directory.GetFileSystemEntries($"{_rootfs}/srv/big").Length == 0);
        Ok(await _daemon.Do("cp", $"{_here}/big", "c:/srv/whole"));
        Assert.Equal("", await Sh($"cmp {_here}/big/a {_rootfs}/srv/whole/a"));

        using var reading = Start("sh", "-c", $"{Cli} cp c:/srv/whole - | head -c 1000 > /dev/null");
        await reading.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal("", await Sh($"{Cli} cp c:/srv/whole/a {_here}/out && cmp {_here}/big/a {_here}/out"));
    }

    [Fact]
    public async Task Export_is_the_root_file_system_without_mounts_whatever_the_container_does()
    {
        await ContainerAsync("c", "running");
        await Sh($"echo under > {_rootfs}/proc/covered && echo one > {_rootfs}/srv/f");
        Ok(await _daemon.Do("export", "-o", $"{_here}/running.tar", "c"));
        Ok(await _daemon.Do("stop", "-t", "0", "c"));
        await Sh($"{Cli} export c > {_here}/stopped.tar");
        foreach (var tar in (string[])["running.tar", "stopped.tar"])
        {
            await Sh($"rm -rf {_here}/x && mkdir {_here}/x && tar -C {_here}/x -xf {_here}/{tar}");
            Assert.Equal("", await Sh($"diff -r --no-dereference {_rootfs} {_here}/x"));
        }
        var refused = await _daemon.Do("export", "-o", $"{_here}/none/x.tar", "c");
        Assert.Equal(125, refused.Status);
        Assert.Equal("", await Sh($"ls {_here} | grep -v -e running -e stopped -e x || true"));
    }

    [Fact]
    public async Task A_path_through_the_containers_links_stays_in_the_container()
    {
        await ContainerAsync("c", "running");
        await Sh($"echo secret > {_here}/outside && echo inside > {_rootfs}/tmp/f");
        Ok(await _daemon.Do("exec", "c", "sh", "-c", $"ln -s {_here} /out; ln -s ../../../../../../tmp /up; ln -s /tmp /abs"));
        Assert.Contains(
            "does not exist", (await _daemon.Do("cp", "c:/out/outside", $"{_here}/got")).Errors, StringComparison.Ordinal);
        Assert.Equal("inside", await Sh($"{Cli} cp c:/up/f {_here}/got && cat {_here}/got"));
        Assert.Equal("inside", await Sh($"{Cli} cp c:/abs/f {_here}/got && cat {_here}/got"));
        Assert.Equal(125, (await _daemon.Do("cp", $"{_here}/outside", "c:/out/planted")).Status);
        Assert.Equal("got\noutside", await Sh($"ls {_here}"));
    }

    [Fact]
    public async Task A_container_that_swaps_directories_for_links_makes_no_copy_leave_it()
    {
        var outside = Path.Join(_here, "outside");
        await Sh($"mkdir {outside} {_rootfs}/real && echo secret > {outside}/f && echo inside > {_rootfs}/real/f "
            + $"&& mkdir {_here}/in && echo planted > {_here}/in/planted");
        var script = $"ln -s {outside} /link; while :; do mv /real /x; mv /x /real; mv /link /x; mv /x /link; done";
        Ok(await _daemon.Do("run", "-d", "--name", "c", "--rootfs", _rootfs, "--", "sh", "-c", script));
        for (var turn = 0; turn < 15; turn++)
        {
            await _daemon.Do("cp", "c:/x/f", $"{_here}/got{turn}");
            await _daemon.Do("cp", $"{_here}/in/.", "c:/x");
        }
        Assert.Equal("", await Sh($"grep -l secret {_here}/got* 2>/dev/null || true"));
        Assert.Equal("f", await Sh($"ls -A {outside}"));
    }

    [Fact]
    public async Task A_member_of_the_sockets_group_copies_as_itself()
    {
        await _daemon.StopAsync();
        _daemon.Arguments = ["--group", "nogroup"];
        await _daemon.RestartAsync();
        await ContainerAsync("c", "running");
        await Sh($"chmod 711 {_daemon.Place} && mkdir {_here}/mine && echo one > {_here}/mine/f "
            + $"&& chown -R 65534:65534 {_here}/mine");
        var line = $"setpriv --reuid 65534 --regid 65534 --clear-groups {Cli} cp";
        await Sh($"cd {_here}/mine && {line} f c:/srv/f && {line} c:/srv/f g && {line} c:/srv h");
        Assert.Equal("0:0", await Sh($"stat -c %u:%g {_rootfs}/srv/f"));
        Assert.Equal("65534:65534\n65534:65534", await Sh($"stat -c %u:%g {_here}/mine/g {_here}/mine/h/f"));
        var refused = await RunAsync("sh", "-c", $"cd {_here}/mine && {line} -a c:/srv/f i");
        Assert.Equal((125, "supervisor: -a: only root can make files of other users: leave it out, and they are yours\n"),
            (refused.Status, refused.Errors));
        refused = await RunAsync("sh", "-c", $"cd {_here}/mine && {line} c:/srv/f ../i");
        Assert.Contains("this user may not write there", refused.Errors, StringComparison.Ordinal);
    }

    private string Cli => $"{CommandLine.Supervisor} --address {_daemon.Address} --namespace {_daemon.Namespace}";

    private async Task ContainerAsync(string id, string state)
    {
        string[] made = ["--name", id, "--rootfs", _rootfs, "--", "sh", "-c", "sleep 1000"];
        if (state is "created")
        {
            Ok(await _daemon.Do(["create", .. made]));
            return;
        }
        Ok(await _daemon.Do(["run", "-d", .. made]));
        if (state is "paused") Ok(await _daemon.Do("pause", id));
        if (state is "stopped") Ok(await _daemon.Do("stop", "-t", "0", id));
    }

    private static async Task<string> Sh(string script) => Ok(await RunAsync("sh", "-ec", script)).TrimEnd('\n');
}
