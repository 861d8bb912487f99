using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Runtime.Namespaces;

namespace Supervisor.Tests.Runtime.Rootfs;

/// <summary>The order of mounts that depend on each other.</summary>
public sealed class MountOrderTests : IDisposable
{
    private readonly TestContainers _containers = new();

    public void Dispose()
    {
        Ok($"rm -rf {_containers.Place}/image/data").GetAwaiter().GetResult(); // names that .NET cannot express
        _containers.Dispose();
    }

    [Fact]
    public async Task A_read_only_dev_has_its_nodes_and_mounts()
    {
        var outcome = await _containers.RunAsync(
            ["sh", "-c", "echo x >/dev/null && test -d /dev/pts && echo fine; touch /dev/new 2>&1"], spec => spec with
        {
            Mounts = [.. spec.Mounts.Select(m => m.Destination == "/dev" ? m with { Options = [.. m.Options, "ro"] } : m)],
        });
        Assert.StartsWith("fine\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("Read-only file system", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ro")]
    [InlineData("rro")]
    public async Task A_read_only_tmpfs_is_filled_and_gets_its_submounts_first(string word)
    {
        var image = await Image();
        var outcome = await _containers.RunAsync(
            ["/bin/sh", "-c", "cat /data/f; cat /data/new/config.json | grep -c ociVersion; touch /data/x 2>&1"], spec =>
            spec with
        {
            Root = new RootSpec { Path = image },
            Mounts =
            [
                .. spec.Mounts, Tmpfs("/data", "nosuid", word, "tmpcopyup"),
                new MountSpec { Destination = "/data/new", Type = "bind", Source = ".", Options = ["bind"] },
            ],
        }, root: []);
        Assert.StartsWith("content\n1\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("Read-only file system", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_copied_into_a_tmpfs_keep_raw_names_owners_and_attributes()
    {
        var image = await Image();
        await Ok($"cd {image}/data && printf odd >\"$(printf 'a\\377b')\" && ln -s \"$(printf 'to\\376')\" link && chown -h "
            + "7:8 link && chown 9:9 f && chmod 4750 f");
        Set(Path.Join(image, "data", "f"), "trusted.kept", [1, 0, 255]);
        var (container, _) = _containers.Create(TestContainers.Shell("/bin/sleep", "1000") is var spec ? spec with
        {
            Root = new RootSpec { Path = image }, Mounts = [.. spec.Mounts, Tmpfs("/data", "tmpcopyup")],
        } : spec, root: []);
        var place = $"/proc/{container.Pid}/root/data";
        Assert.Equal("odd", await Ok($"cat {place}/\"$(printf 'a\\377b')\""));
        Assert.Equal("7:8 746ffe",
            await Ok($"cd {place} && echo $(stat -c %u:%g link) $(readlink -n link | od -An -tx1 | tr -d ' \n')"));
        Assert.Equal("9:9 4750", await Ok($"stat -c '%u:%g %a' {place}/f"));
        Assert.Equal([1, 0, 255], Get($"{place}/f", "trusted.kept"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_source_created_by_an_earlier_mount_is_found_and_a_bind_has_the_given_flags(bool userNamespace)
    {
        var name = $"supervisor-test-earlier-{userNamespace}";
        var rootfs = Path.Join(_containers.Place, name, "rootfs");
        var spec = TestContainers.Shell("sh", "-c", "grep ' /tmp/' /proc/mounts | cut -d' ' -f2,4");
        if (userNamespace) spec = NamespaceTests.InUserNamespace(spec);
        MountSpec Bind(string to, params string[] options) =>
            new() { Destination = to, Type = "bind", Source = rootfs + "/tmp/src", Options = ["bind", .. options] };
        var (container, log) = _containers.Create(spec with
        {
            Mounts = [.. spec.Mounts, Tmpfs("/tmp/src", "nosuid", "nodev", "noexec", "noatime"), Bind("/tmp/same"),
                Bind("/tmp/ro", "ro"), Bind("/tmp/dev", "dev", "strictatime")],
        }, name: name);
        await Run(container);
        Assert.NotEqual("", await File.ReadAllTextAsync(log));
        var lines = (await File.ReadAllTextAsync(log)).Split('\n');
        Assert.Contains(lines, l => l.StartsWith("/tmp/same rw,nosuid,nodev,noexec,noatime", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("/tmp/ro ro,noatime", StringComparison.Ordinal));
        Assert.Contains(lines, l =>
            l == "/tmp/dev rw" || l.StartsWith("/tmp/dev rw,", StringComparison.Ordinal)
            && !l.Contains("no", StringComparison.Ordinal));
    }

    [Fact]
    public void A_source_created_by_an_earlier_mount_cannot_be_idmapped_and_is_refused_by_field()
    {
        const string name = "supervisor-test-earlier-mapped";
        var spec = TestContainers.Shell("true");
        IdMappingSpec[] map = [new() { ContainerID = 0, HostID = 1000, Size = 1 }];
        var bind = new MountSpec
        {
            Destination = "/tmp/x", Type = "bind", Source = Path.Join(_containers.Place, name, "rootfs", "tmp", "src"),
            Options = ["bind"], UidMappings = map, GidMappings = map,
        };
        spec = spec with { Mounts = [.. spec.Mounts, Tmpfs("/tmp/src"), bind] };
        var e = Assert.Throws<InvalidSpecException>(() => _containers.Create(spec, name: name));
        Assert.Equal($"mounts[{spec.Mounts.Count - 1}].source", e.Field);
        Assert.Contains("cannot be idmapped", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_that_no_earlier_mount_can_create_is_refused_by_field()
    {
        var spec = TestContainers.Shell("true");
        spec = spec with { Mounts =
            [.. spec.Mounts, Tmpfs("/tmp/src"),
            new MountSpec { Destination = "/mnt", Type = "bind", Source = "/no/such", Options = ["bind"] }] };
        Assert.Equal($"mounts[{spec.Mounts.Count - 1}].source",
            Assert.Throws<InvalidSpecException>(() => _containers.Create(spec)).Field);
    }

    [Fact]
    public async Task An_option_without_meaning_on_a_bind_is_ignored_with_a_warning()
    {
        var outcome = await _containers.RunAsync(["true"], spec => spec with
        {
            Mounts = [.. spec.Mounts,
                new MountSpec { Destination = "/tmp/x", Type = "bind", Source = "/etc", Options = ["bind", "mode=0700"] }],
        });
        Assert.Equal(0, outcome.Status);
        Assert.Contains(_containers.Warnings, e => e.Message.Contains("mode=0700", StringComparison.Ordinal));
    }

    private static MountSpec Tmpfs(string place, params string[] options) =>
        new() { Destination = place, Type = "tmpfs", Source = "tmpfs", Options = options };

    private static async Task Run(Container container)
    {
        var exit = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        container.Watch(_ => exit.SetResult(), () => { });
        container.Start(CancellationToken.None);
        await exit.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private async Task<string> Image()
    {
        var image = Path.Join(_containers.Place, "image");
        await Ok($"mkdir -p {image} && cd {image} && mkdir bin data proc sys dev tmp run && cp /bin/busybox bin/ && for a in "
            + "sh cat grep touch sleep; do ln -s busybox bin/$a; done && echo content >data/f");
        return image;
    }

    private static async Task<string> Ok(string script)
    {
        var outcome = await CommandLine.RunAsync("bash", "-c", script);
        Assert.True(outcome.Status == 0, $"{script}: {outcome}");
        return outcome.Output.TrimEnd('\n');
    }

    private static unsafe void Set(string path, string key, byte[] value)
    {
        fixed (byte* p = CString.Of(path), k = CString.Of(key), v = value)
            Assert.Equal(0, Native.lsetxattr(p, k, v, (nuint)value.Length, 0));
    }

    private static unsafe byte[] Get(string path, string key)
    {
        var value = new byte[64];
        fixed (byte* p = CString.Of(path), k = CString.Of(key), v = value)
        {
            var length = Native.lgetxattr(p, k, v, (nuint)value.Length);
            Assert.True(length >= 0, $"{Errno.Last}");
            return value[..(int)length];
        }
    }
}
