using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Clients.OciRuntime;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>
/// The content of an image or a bundle is data: none of its code is loaded by us, and no annotation is obeyed as a command.
/// </summary>
public sealed partial class OciForeignRootTests : IDisposable
{
    /// <summary>Files that a dynamically linked program loads or reads once its root has changed.</summary>
    private static readonly string[] Baits =
    [
        "etc/ld.so.preload", "etc/ld.so.cache", "etc/nsswitch.conf", "etc/localtime", "lib/libc.so.6", "lib/libnss_files.so.2",
        "lib/libnss_compat.so.2",
        "lib/x86_64-linux-gnu/libc.so.6", "lib/x86_64-linux-gnu/libnss_files.so.2", "lib/x86_64-linux-gnu/libseccomp.so.2",
        "lib/aarch64-linux-gnu/libc.so.6",
        "lib64/ld-linux-x86-64.so.2", "usr/lib/locale/locale-archive", "usr/lib/gconv/gconv-modules",
        "usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache", "usr/lib/locale/C.utf8/LC_CTYPE", "usr/lib/libicuuc.so",
        "usr/share/icu/icudt.dat",
        "usr/share/zoneinfo/UTC",
    ];

    private readonly OciRuntime _oci = new();
    private readonly string _id = NewId();

    public void Dispose() => _oci.Dispose();

    [Fact] // CVE-2019-14271
    public async Task No_file_of_the_image_but_the_program_is_opened()
    {
        foreach (var bait in Baits)
        {
            var file = Path.Join(_oci.Rootfs, bait);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, "not to be read");
        }
        await _oci.Configure(["/bin/busybox", "sleep", "1000"], c =>
        {
            c["process"]!["user"] = JsonNode.Parse("""{"uid":1000,"gid":1000,"additionalGids":[7]}""");
            c["linux"]!["seccomp"] =
                JsonNode.Parse("""{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["acct"],"action":"SCMP_ACT_ERRNO"}]}""");
        });
        using var watched = new OpenedFiles(_oci.Rootfs);
        Ok(await _oci.Leave("run", "-d", _id));
        Ok(await _oci.Do("exec", "--user", "1001:1001", _id, "/bin/busybox", "true"));
        Ok(await _oci.Do("exec", _id, "/bin/busybox", "true"));
        Ok(await _oci.Do("ps", _id));
        Ok(await _oci.Do("kill", _id, "KILL"));
        Ok(await _oci.Do("delete", "--force", _id));
        Assert.Equal(["bin/busybox"], watched.Read());
        foreach (var bait in Baits) await File.ReadAllTextAsync(Path.Join(_oci.Rootfs, bait));
        Assert.Equal(Baits.Order(StringComparer.Ordinal), watched.Read()); // each would have been reported
    }

    [Fact] // CVE-2024-3154
    public async Task An_annotation_never_becomes_a_property_of_a_systemd_unit()
    {
        var made = Path.Join(_oci.Place, "made");
        await _oci.Configure(["/bin/busybox", "true"], c => c["annotations"] = new JsonObject
        {
            ["org.systemd.property.ExecStartPre"] = $"['touch {made}']",
            ["org.systemd.property.TimeoutStopUSec"] = "uint64 123456789",
        });
        Ok(await _oci.Leave("create", _id));
        Assert.Equal($"['touch {made}']",
            (string)JsonNode.Parse(Ok(await _oci.Do("state", _id)))!["annotations"]!["org.systemd.property.ExecStartPre"]!);
        Ok(await _oci.Do("start", _id));
        Ok(await _oci.Do("delete", "--force", _id));
        Assert.False(File.Exists(made));
        Fails(await CommandLine.RunAsync(
            Executable, "--root", _oci.Root, "--systemd-cgroup", "run", "--bundle", _oci.Bundle, _id), 1, "systemd-cgroup");
    }

    /// <summary>inotify(7): the files of a tree that any process has opened, by any path or mount.</summary>
    private sealed partial class OpenedFiles : IDisposable
    {
        private const int IN_NONBLOCK = 0x800, IN_CLOEXEC = 0x80000;
        private const uint IN_OPEN = 0x20, IN_Q_OVERFLOW = 0x4000, IN_ISDIR = 0x40000000;
        private readonly int _fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        private readonly Dictionary<int, string> _watches = [];

        public OpenedFiles(string root)
        {
            foreach (var directory in Directory.GetDirectories(root, "*", SearchOption.AllDirectories).Append(root))
            {
                var watch = inotify_add_watch(_fd, directory, IN_OPEN);
                Assert.True(watch > 0, $"inotify_add_watch \"{directory}\": errno {Marshal.GetLastPInvokeError()}");
                _watches[watch] = Path.GetRelativePath(root, directory);
            }
        }

        /// <summary>Paths opened since the last call, without duplicates, relative to the tree's root.</summary>
        public SortedSet<string> Read()
        {
            var opened = new SortedSet<string>(StringComparer.Ordinal);
            var buffer = new byte[64 << 10];
            while (read(_fd, buffer, (nuint)buffer.Length) is > 0 and var length)
                for (int at = 0, size; at < length; at += 16 + size)
                {
                    var mask = BitConverter.ToUInt32(buffer, at + 4);
                    size = BitConverter.ToInt32(buffer, at + 12);
                    Assert.Equal(0u, mask & IN_Q_OVERFLOW);
                    if (size == 0 || (mask & IN_ISDIR) != 0) continue;
                    opened.Add(Path.Join(_watches[BitConverter.ToInt32(buffer, at)], Name(buffer.AsSpan(at + 16, size))));
                }
            return opened;

            static string Name(ReadOnlySpan<byte> padded) => Encoding.UTF8.GetString(padded.TrimEnd((byte)0));
        }

        public void Dispose() => _ = close(_fd);

        [LibraryImport("libc", SetLastError = true)]
        private static partial int inotify_init1(int flags);

        [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
        private static partial int inotify_add_watch(int fd, string path, uint mask);

        [LibraryImport("libc", SetLastError = true)]
        private static partial nint read(int fd, byte[] buffer, nuint count);

        [LibraryImport("libc")]
        private static partial int close(int fd);
    }
}
