using System.Text;
using Supervisor.Cli.Formatting;
using Supervisor.Host.Filters;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Mounts;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.ShimClient;
using Supervisor.Runtime.Users;
using Supervisor.Storage;
using Supervisor.Storage.Content;
using Supervisor.Storage.Layers;
using Supervisor.Tests.Storage;
using static Supervisor.Tests.Fuzz.FuzzTargets;

namespace Supervisor.Tests.Fuzz;

/// <summary>Files of the kernel, of images and of other programs.</summary>
internal static class TextTargets
{
    public static IEnumerable<FuzzTarget> All =>
    [
        Text("mountinfo", 80, " ,-/", MountInfo, Corpus.Of("mountinfo", "*.mountinfo")),
        Text("proc-cgroup", 60, ":,/", ProcCgroup, [.. Corpus.Of("mountinfo", "*.cgroup"), .. Corpus.Of("fuzz/cgroup")]),
        Text("cgroup-numbers", 60, " \n", Numbers, Corpus.Of("fuzz/numbers")),
        Text("cgroup-io", 40, " :=", IoStat, Corpus.Of("fuzz/iostat")),
        new("proc-stat", 20, Stat, StartTime),
        Text("passwd", 40, ":,", Passwd, Corpus.Of("fuzz/passwd")),
        Text("group", 40, ":,", Group, Corpus.Of("fuzz/group")),
        Text("mount-options", 40, ",=:", Options, Corpus.Of("fuzz/options")),
        Text("filter", 30, " ,=\"|", Filter, Corpus.Of("fuzz/filter")),
        new("tar", 30, Tar, ReadTar),
        new("criu-message", 10, random => Mutation.Bytes(random, Messages[random.Next(2)], Messages), CriuReply),
        new("shim-message", 10, random => Mutation.Bytes(random, Messages[2], Messages), ShimRequest),
    ];

    private static FuzzTarget Text(
        string name, int share, string separators, Func<string, bool> read, IReadOnlyList<byte[]> corpus) =>
        new(name, share, random =>
            Mutation.Lines(random, Mutation.Pick(random, corpus), corpus, separators), bytes =>
            read(Encoding.UTF8.GetString(bytes)));

    private static readonly string OwnCgroup = Encoding.UTF8.GetString(Corpus.Of("mountinfo", "hybrid.cgroup")[0]);
    private static readonly string OwnMounts = Encoding.UTF8.GetString(Corpus.Of("mountinfo", "hybrid.mountinfo")[0]);

    private static bool MountInfo(string text)
    {
        var found = CgroupHierarchies.Parse(text, OwnCgroup);
        foreach (var directory in found.DirectoriesOf("/a/b").Values)
            Holds(directory.EndsWith("/a/b", StringComparison.Ordinal), "a directory that is not where it was asked for");
        foreach (var line in MountLine.Parse(text.Split('\n')))
            Holds(line.Point is not null && line.Options.Count > 0, "a mount without a place");
        return found.All.Count > 0;
    }

    private static bool ProcCgroup(string text)
    {
        var found = CgroupHierarchies.Parse(OwnMounts, text);
        foreach (var hierarchy in found.All)
            Holds(hierarchy.MountPoint.StartsWith("/sys/fs/cgroup", StringComparison.Ordinal),
            "a hierarchy that is mounted nowhere");
        _ = found.DirectoriesOf("a");
        return found.All.Count > 0;
    }

    private static bool Numbers(string text)
    {
        var numbers = CgroupText.Numbers(text);
        Holds(numbers.Keys.All(k => !k.Contains(' ') && !k.Contains('\n')), "a name with a space");
        _ = CgroupText.List(text);
        return numbers.Count > 0;
    }

    private static bool IoStat(string text)
    {
        var (v1, v2) = (IOText.StatV1(text, text), IOText.StatV2(text));
        Holds(v1.All(e => e.Bytes == e.Operations) && v2.All(e => e.Bytes is not null), "a counter that stands in no line");
        return v1.Count + v2.Count > 0;
    }

    /// <summary>A process may set any name.</summary>
    private static byte[] Stat(Random random)
    {
        var name = string.Concat(
            Enumerable.Range(0, random.Next(16))
            .Select(_ => random.Next(3) == 0
            ? Mutation.Pick(random, Mutation.Odd) : Mutation.Pick(random, [")", "(", " ", "a", ") R 1 ", "Z"])));
        return Encoding.UTF8.GetBytes(
            $"{random.Next(1, 1 << 22)} ({name}) S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 424242 1000 50 "
            + "18446744073709551615 1 1 0 0 0");
    }

    private static bool StartTime(byte[] stat)
    {
        Holds(ProcStat.StartTime(Encoding.UTF8.GetString(stat)) == 424242, "a name that was taken for numbers");
        return true;
    }

    private static bool Passwd(string text)
    {
        Holds(HomeDirectory.Find(text, 1000) is null or ['/', ..], "a home that is no path");
        Holds(AccountFiles.Passwd(text)
            .All(e => e.Uid <= AccountFiles.LargestId && e.Gid <= AccountFiles.LargestId && e.Name.Length > 0
            && !e.Name.Contains(':')), "an entry that is not one");
        return Resolves("user", text, "") & Resolves("1000", text, "");
    }

    private static bool Group(string text)
    {
        Holds(AccountFiles.Group(text)
            .All(e => e.Gid <= AccountFiles.LargestId && e.Name.Length > 0 && e.Members.All(m => m.Length > 0)),
            "an entry that is not one");
        return Resolves("user", "user:x:1000:1000::/:", text) & Resolves("user:users", "user:x:1000:1000::/:", text);
    }

    private static bool Resolves(string user, string passwd, string group)
    {
        try
        {
            var found = UserResolver.Resolve(user, file => file is "etc/passwd" ? passwd : group);
            Holds(found.Uid <= AccountFiles.LargestId
                && found.AdditionalGids.Distinct().Count() == found.AdditionalGids.Count, "an id that is none");
            Holds(user != "1000" || found.Uid == 1000, "a number that was taken for a name");
            return true;
        }
        catch (UnknownUserException)
        {
            return false;
        }
    }

    private static bool Options(string text)
    {
        foreach (var line in text.Split('\n'))
        {
            var options = MountOptions.Parse(line.Split(','));
            // MOUNT_ATTR__ATIME is a field
            Holds((options.AttributesToSet & options.AttributesToClear & ~0x70UL) == 0, "an attribute both set and cleared");
        }
        return true;
    }

    private static bool Filter(string text)
    {
        var any = false;
        foreach (var line in text.Split('\n'))
        {
            try
            {
                FilterSet.Parse([line]).Matches(path => path.Length > 1 ? "1" : "/tasks/exit");
                any = true;
            }
            catch (FilterSyntaxException e)
            {
                Holds(e.Message.Contains("filters: parse error", StringComparison.Ordinal), "a refusal that does not say where");
            }
        }
        return any;
    }

    private static readonly byte[][] Tars =
    [
        new TarImage().Directory("a/").File("a/file", "text", attributes: [("user.x", "y")]).Symlink("a/link", "../../etc/passwd")
            .HardLink("b", "a/file").Fifo("p").Device("n", 1, 3).Bytes(),
        new TarImage().File(new string('n', 200), new string('x', 700)).File("../up", "x").Bytes(),
    ];

    private static byte[] Tar(Random random)
    {
        var tar = Mutation.Pick(random, Tars).ToArray();
        for (var n = random.Next(1, 5); n > 0; n--)
        {
            var block = random.Next(tar.Length / 512) * 512;
            switch (random.Next(4))
            {
                case 0: tar[block + random.Next(512)] = (byte)random.Next(256); break;
                case 1: tar = [.. tar[..block], .. tar[(block + 512)..]]; break;
                case 2: tar = [.. tar[..block], .. tar[block..Math.Min(tar.Length, block + 1024)], .. tar[block..]]; break;
                default: // a number field
                    var field = Mutation.Pick(random, [100, 108, 116, 124, 136, 156, 329, 337, 386, 398, 482, 483]);
                    if (tar.Length >= block + 512) random.NextBytes(tar.AsSpan(block + field, random.Next(1, 9)));
                    break;
            }
            if (tar.Length < 512) return tar;
            if (random.Next(4) != 0) for (var at = 0; at + 512 <= tar.Length; at += 512) Sum(tar.AsSpan(at, 512));
        }
        return tar;
    }

    /// <summary>Corrects the checksum; otherwise hardly any input would pass it.</summary>
    private static void Sum(Span<byte> block)
    {
        if (!block[257..262].SequenceEqual("ustar"u8)) return;
        block.Slice(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var b in block) sum += b;
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0", block.Slice(148, 8));
    }

    private static bool ReadTar(byte[] bytes)
    {
        try
        {
            var reader = new TarReader(new MemoryStream(bytes));
            var buffer = new byte[4096];
            for (var entries = 0; reader.Next(CancellationToken.None) is { } entry; entries++)
            {
                Holds(entries <= bytes.Length / 512 && entry.Size >= 0, "more entries than there are headers");
                while (reader.Read(buffer) > 0) { }
            }
            return true;
        }
        catch (StorageException e)
        {
            Holds(e.Fault is StorageFault.InvalidArgument, $"a refusal of another kind: {e.Fault}");
            return false;
        }
    }

    private static readonly byte[][] Messages =
    [
        new CriuMessage().Add(1, 3).Add(2, true).Add(7, -5).Add(8, "text").ToArray(),
        new CriuMessage().Add(1, new CriuMessage().Add(2, 77)).Add(3, "x").ToArray(),
        ShimFrame.Begin(ShimKind.Create, 5).Text("id").Texts(["a", "b"]).Pairs(new Dictionary<string, string> { ["k"] = "v" })
            .I32(3).Flag(true).Written.ToArray(),
    ];

    private static bool CriuReply(byte[] message)
    {
        try
        {
            _ = CriuMessage.Read(message);
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static bool ShimRequest(byte[] message)
    {
        try
        {
            var reader = new MessageReader(message);
            _ = (reader.U8(), reader.I64(), reader.Text(), reader.Texts(), reader.Pairs(), reader.I32(), reader.Flag());
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }
}
