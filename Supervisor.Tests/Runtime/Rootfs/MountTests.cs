using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;

namespace Supervisor.Tests.Runtime.Rootfs;

/// <summary>Options of the spec's mounts, as seen in the container's own mount table.</summary>
public sealed class MountTests : IDisposable
{
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Theory]
    [InlineData("ro,nosuid,nodev,noexec,noatime", "ro,nosuid,nodev,noexec,noatime")]
    [InlineData("ro,rw", "rw,relatime")]
    [InlineData("nodiratime", "rw,nodiratime,relatime")]
    [InlineData("nosymfollow", "rw,relatime,nosymfollow")]
    public async Task Attributes_of_a_bind_follow_its_options(string options, string expected)
    {
        var line = (await Mounted(Bind(options.Split(',')))).Output;
        Assert.Equal(expected, line.Split(' ')[5]);
    }

    [Theory]
    [InlineData("rprivate", "")]
    [InlineData("rslave", "")] // a copy without peers has no master, unless the host's mount is shared
    [InlineData("rshared", "shared:")]
    [InlineData("runbindable", "unbindable")]
    public async Task Propagation_follows_its_option(string option, string expected) =>
        Assert.Contains(expected, (await Mounted(Bind(option))).Output.Split(" - ")[0], StringComparison.Ordinal);

    [Fact]
    public async Task Attributes_with_the_prefix_r_are_recursive()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "touch /mnt/shm/x 2>&1; grep ' /mnt' /proc/self/mountinfo"], spec => With(spec,
            new MountSpec { Destination = "/mnt", Type = "bind", Source = "/dev",
                Options = ["rbind", "rro", "rnosuid", "rnoexec"] }));
        Assert.Contains("Read-only file system", outcome.Output, StringComparison.Ordinal);
        Assert.All(outcome.Output.Split('\n')
            .Where(l => l.Contains(" /mnt", StringComparison.Ordinal) && l.Contains(" - ", StringComparison.Ordinal)),
            l => Assert.Matches(@" ro,nosuid,(nodev,)?noexec", l));
    }

    [Fact]
    public async Task A_file_and_a_device_are_bound_onto_mount_points_created_for_them()
    {
        File.WriteAllText(Path.Join(_containers.Place, "file"), "contents\n");
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "cat /tmp/new/dir/file; head -c 3 /tmp/zero | wc -c"], spec => With(spec,
            new MountSpec { Destination = "/tmp/new/dir/file", Type = "bind", Source = Path.Join(_containers.Place, "file"),
                Options = ["bind", "ro"] },
            new MountSpec { Destination = "/tmp/zero", Source = "/dev/zero", Options = ["bind"] }));
        Assert.Equal("contents\n3\n", outcome.Output);
    }

    [Fact]
    public async Task A_remount_changes_the_existing_mount()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "touch /tmp/x 2>&1; grep ' /tmp ' /proc/self/mountinfo"], spec => With(spec,
            new MountSpec { Destination = "/tmp", Options = ["remount", "ro", "noexec"] }));
        Assert.Contains("Read-only file system", outcome.Output, StringComparison.Ordinal);
        Assert.Contains(" ro,nosuid,nodev,noexec", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tmpfs_with_tmpcopyup_starts_with_the_files_it_covers()
    {
        var image = Directory.CreateDirectory(Path.Join(_containers.Place, "image")).FullName;
        var data = Directory.CreateDirectory(Path.Join(image, "data", "deep")).FullName;
        Directory.CreateDirectory(Path.Join(image, "bin"));
        ProgramCopy.OfBusybox(Path.Join(image, "bin/busybox"));
        File.WriteAllText(Path.Join(data, "file"), "deep\n");
        File.SetUnixFileMode(Path.Join(data, "file"), (UnixFileMode)0x1a0);
        File.CreateSymbolicLink(Path.Join(image, "data", "link"), "/etc/passwd");
        foreach (var dir in (string[])["proc", "sys", "dev", "tmp", "run"]) Directory.CreateDirectory(Path.Join(image, dir));
        var outcome = await _containers.RunAsync(
            ["/bin/busybox", "sh", "-c",
            "cd /data; /bin/busybox cat deep/file; /bin/busybox stat -c %a deep/file; /bin/busybox readlink link; echo new > "
            + "deep/file"],
            spec => With(spec, new MountSpec {
                Destination = "/data", Type = "tmpfs", Source = "tmpfs", Options = ["tmpcopyup", "mode=755"] }),
            root: [new RootMount("bind", image, "", ["rbind", "rw"])]);
        Assert.Equal("deep\n640\n/etc/passwd\n", outcome.Output);
        Assert.Equal("deep\n", File.ReadAllText(Path.Join(data, "file")));
    }

    [Fact]
    public async Task An_idmapped_mount_shows_mapped_owners()
    {
        // ext4 or another file system that supports idmapped mounts: that of the tests' directory.
        var directory = Directory.CreateDirectory(Path.Join(_containers.Place, "owned")).FullName;
        File.WriteAllText(Path.Join(directory, "file"), "x");
        List<IdMappingSpec> mapping = [new IdMappingSpec { ContainerID = 0, HostID = 4000, Size = 10 }];
        try
        {
            var outcome = await _containers.RunAsync(["stat", "-c", "%u:%g", "/mnt/file"], spec => With(spec,
                new MountSpec { Destination = "/mnt", Type = "bind", Source = directory, Options = ["bind", "idmap"],
                    UidMappings = mapping, GidMappings = mapping }));
            Assert.Equal("4000:4000\n", outcome.Output);
        }
        catch (InvalidSpecException e) when (e.Message.Contains("cannot be idmapped", StringComparison.Ordinal))
        {
            Assert.Fail($"the file system of {directory} cannot be idmapped: set TMPDIR to one that can (ext4, xfs, btrfs, "
                + "tmpfs since 6.3)");
        }
    }

    [Fact]
    public async Task An_idmapped_mount_without_a_mapping_uses_the_containers()
    {
        var directory = Directory.CreateDirectory(Path.Join(_containers.Place, "owned")).FullName;
        File.WriteAllText(Path.Join(directory, "file"), "x");
        var outcome = await _containers.RunAsync(["sh", "-c", "stat -c %u /mnt/file; touch /mnt/new"], spec => With(spec,
            new MountSpec { Destination = "/mnt", Type = "bind", Source = directory, Options = ["rbind", "ridmap"] }) is var s
                ? s with
            {
                Linux = s.Linux! with
                {
                    Namespaces = [.. s.Linux.Namespaces, new NamespaceSpec { Type = "user" }],
                    UidMappings = [new IdMappingSpec { HostID = 100000, Size = 65536 }],
                    GidMappings = [new IdMappingSpec { HostID = 100000, Size = 65536 }],
                },
            } : s);
        Assert.Equal("0\n", outcome.Output);
        Assert.True(File.Exists(Path.Join(directory, "new")));
    }

    [Fact]
    public async Task The_hosts_root_can_be_the_root_without_covering_it()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "hostname; touch /x 2>&1; ls -d /etc"], spec =>
            spec with { Root = new RootSpec { Path = "/", Readonly = true } }, root: []);
        Assert.StartsWith("box\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("Read-only file system", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("/etc\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_pivot_root_the_root_is_moved_and_the_old_one_is_unreachable()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "cd ../../..; pwd; cat /proc/self/mountinfo | wc -l; hostname"], null, request: r =>
            r with { NoPivot = true });
        var lines = outcome.Output.Split('\n');
        Assert.Equal(("/", "box"), (lines[0], lines[2]));
        Assert.InRange(int.Parse(lines[1]), 5, 60);
    }

    [Fact]
    public async Task Without_a_mount_namespace_only_the_root_directory_is_changed()
    {
        var image = Directory.CreateDirectory(Path.Join(_containers.Place, "image", "bin")).FullName;
        ProgramCopy.OfBusybox(Path.Join(image, "busybox"));
        var outcome = await _containers.RunAsync(["/bin/busybox", "ls", "/"], spec => spec with
        {
            Root = new RootSpec { Path = Path.GetDirectoryName(image)! }, Mounts = [],
            Linux = spec.Linux! with {
                MaskedPaths = [], ReadonlyPaths = [], Namespaces = [.. spec.Linux.Namespaces.Where(n => n.Type != "mount")] },
        }, root: []);
        Assert.Equal((0, "bin\n"), (outcome.Status, outcome.Output));
    }

    [Theory]
    [InlineData("private", false)]
    [InlineData("rshared", true)]
    public async Task The_roots_propagation_is_that_of_the_spec(string word, bool shared)
    {
        var outcome = await _containers.RunAsync(
            ["grep", " / / ", "/proc/self/mountinfo"], spec =>
            spec with { Linux = spec.Linux! with { RootfsPropagation = word } });
        Assert.Equal(shared, outcome.Output.Contains(" shared:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_default_devices_are_created_in_an_image_without_a_dev_mount()
    {
        var image = Directory.CreateDirectory(Path.Join(_containers.Place, "image", "bin")).FullName;
        ProgramCopy.OfBusybox(Path.Join(image, "busybox"));
        var outcome = await _containers.RunAsync(
            ["/bin/busybox", "sh", "-c",
            "/bin/busybox ls -l /dev/null /dev/mine; /bin/busybox stat -c '%F %t:%T %a %u:%g' /dev/mine"], spec => spec with
        {
            Root = new RootSpec { Path = Path.GetDirectoryName(image)! },
            Mounts = [new MountSpec { Destination = "/proc", Type = "proc", Source = "proc" }],
            Linux = spec.Linux! with {
                Devices = [new DeviceSpec {
                Type = "c", Path = "/dev/mine", Major = 1, Minor = 3, FileMode = 0x1a0, Uid = 7, Gid = 8 }] },
        }, root: []);
        Assert.Contains("character special file 1:3 640 7:8", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_root_itself_can_be_covered_by_a_bind_or_by_a_tmpfs_with_a_copy_of_it()
    {
        var image = BusyBoxImage();
        var other = BusyBoxImage();
        File.WriteAllText(Path.Join(other, "marker"), "other\n");
        foreach (var (cover, expected) in new[]
        {
            (new MountSpec { Destination = "/", Type = "bind", Source = other, Options = ["bind"] }, "other\n"),
            (new MountSpec { Destination = "/", Type = "tmpfs", Source = "tmpfs", Options = ["tmpcopyup"] }, "none\n"),
        })
        {
            var outcome = await _containers.RunAsync(
                ["/bin/busybox", "sh", "-c", "/bin/busybox cat /marker 2>/dev/null || echo none; : > /written"],
                spec => spec with { Root = new RootSpec { Path = image }, Mounts = [cover, .. spec.Mounts] }, root: []);
            Assert.Equal((0, expected), (outcome.Status, outcome.Output));
            Assert.False(File.Exists(Path.Join(image, "written")));
        }
    }

    [Fact]
    public async Task A_tmpfs_has_the_mode_of_the_directory_it_covers_and_dangling_links_are_followed()
    {
        var image = BusyBoxImage();
        File.SetUnixFileMode(Directory.CreateDirectory(Path.Join(image, "covered")).FullName, (UnixFileMode)0x1ca); // 0712
        Directory.CreateDirectory(Path.Join(image, "etc"));
        File.CreateSymbolicLink(Path.Join(image, "etc", "nowhere"), "../foo/bar");
        File.CreateSymbolicLink(Path.Join(_containers.Place, "broken"), "point-to-nowhere");
        var outcome = await _containers.RunAsync(
            ["/bin/busybox", "sh", "-c",
            "/bin/busybox stat -c %a /covered; /bin/busybox cat /foo/bar; /bin/busybox readlink /a/link"],
            spec => With(spec with { Root = new RootSpec { Path = image } },
                new MountSpec { Destination = "/covered", Type = "tmpfs", Source = "tmpfs", Options = ["ro"] },
                new MountSpec { Destination = "/etc/nowhere", Type = "bind", Source = "/etc/hostname", Options = ["bind", "ro"] },
                new MountSpec { Destination = "/a/link", Type = "bind", Source = Path.Join(_containers.Place, "broken"),
                    Options = ["rbind", "copy-symlink"] }), root: []);
        Assert.Equal("712\n" + File.ReadAllText("/etc/hostname") + "point-to-nowhere\n", outcome.Output);
    }

    private static int _images;

    private string BusyBoxImage()
    {
        var image = Path.Join(_containers.Place, $"image{Interlocked.Increment(ref _images)}");
        Directory.CreateDirectory(Path.Join(image, "bin"));
        ProgramCopy.OfBusybox(Path.Join(image, "bin", "busybox"));
        return image;
    }

    [Fact]
    public void A_device_path_that_links_out_of_the_image_is_refused()
    {
        var image = Directory.CreateDirectory(Path.Join(_containers.Place, "image")).FullName;
        File.CreateSymbolicLink(Path.Join(image, "dev"), "/tmp");
        Assert.Throws<LaunchException>(
            () => _containers.Create(TestContainers.Shell("true") with { Root = new RootSpec { Path = image } }, root: []));
    }

    private static MountSpec Bind(params string[] options) =>
        new() { Destination = "/mnt", Type = "bind", Source = "/etc", Options = ["bind", .. options] };

    private static Spec With(Spec spec, params MountSpec[] mounts) => spec with { Mounts = [.. spec.Mounts, .. mounts] };

    private Task<TestContainers.Outcome> Mounted(MountSpec mount) =>
        _containers.RunAsync(["grep", " /mnt ", "/proc/self/mountinfo"], spec => With(spec, mount));
}
