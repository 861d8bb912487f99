using System.Text;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Kernel.Cgroups;

/// <summary>
/// Damaged mountinfo, cgroup lists and control files are parsed as far as possible, without an exception.
/// </summary>
public sealed class CgroupFuzzTests
{
    [Theory]
    [InlineData("hybrid", 1)]
    [InlineData("v2", 2)]
    [InlineData("nested-v1", 3)]
    public void Damaged_mount_tables_are_parsed_as_far_as_possible(string name, int seed)
    {
        var random = new Random(seed);
        byte[] mountinfo = Bytes(name + ".mountinfo"), cgroup = Bytes(name + ".cgroup");
        for (var i = 0; i < 2000; i++)
        {
            var found = CgroupHierarchies.Parse(Damaged(random, mountinfo), Damaged(random, cgroup));
            foreach (var hierarchy in found.All) Assert.DoesNotContain('\n', hierarchy.MountPoint);
            _ = found.Layout;
            try
            {
                _ = found.DirectoriesOf("/a/b");
            }
            catch (InvalidSpecException)
            {
                Assert.Fail("a plain path was refused");
            }
        }
    }

    [Fact]
    public void Damaged_control_files_yield_numbers_or_nothing()
    {
        var random = new Random(4);
        var text = "anon 4096\nfile 18446744073709551615\nmax 0\noom_kill 3\nfrozen 1\n"u8.ToArray();
        for (var i = 0; i < 5000; i++)
        {
            var damaged = Damaged(random, text);
            Assert.All(CgroupText.Numbers(damaged).Keys, key => Assert.DoesNotContain(' ', key));
            _ = CgroupText.List(damaged);
        }
    }

    private static byte[] Bytes(string name) =>
        File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "fixtures", "mountinfo", name));

    private static string Damaged(Random random, byte[] original)
    {
        var bytes = original.ToArray();
        for (var n = random.Next(1, 12); n > 0; n--)
        {
            var at = random.Next(bytes.Length);
            if (random.Next(3) == 0)
                bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(30))..], .. " \n"u8];
            else bytes[at] = (byte)(random.Next(2) == 0 ? random.Next(256) : " \n:,-\\/0"u8[random.Next(8)]);
        }
        return Encoding.UTF8.GetString(bytes);
    }
}
