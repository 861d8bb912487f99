namespace Supervisor.Storage.Layers;

/// <summary>A range of ids inside a user namespace, and outside. user_namespaces(7).</summary>
public readonly record struct IdRange(uint Inside, uint Outside, uint Count);

/// <summary>The ids of a tree's owners, as its container sees them and as they are on the disk.</summary>
public sealed record TreeIds(IReadOnlyList<IdRange> Users, IReadOnlyList<IdRange> Groups)
{
    private const uint Overflow = 65534; // what the kernel shows for an id without a mapping

    /// <summary>The same on both sides.</summary>
    public static TreeIds Unchanged { get; } = new([new(0, 0, uint.MaxValue)], [new(0, 0, uint.MaxValue)]);

    /// <summary>As the container sees them.</summary>
    public (uint Uid, uint Gid) ToInside(uint uid, uint gid) =>
        (Map(Users, uid, r => r.Outside, r => r.Inside) ?? Overflow, Map(Groups, gid, r => r.Outside, r => r.Inside) ?? Overflow);

    /// <summary>As on the disk.</summary>
    /// <exception cref="StorageException">The container has no such id.</exception>
    public (uint Uid, uint Gid) ToOutside(uint uid, uint gid) => (
        Map(Users, uid, r => r.Inside, r => r.Outside) ?? throw Unmapped("uid", uid),
        Map(Groups, gid, r => r.Inside, r => r.Outside) ?? throw Unmapped("gid", gid));

    private static uint? Map(IReadOnlyList<IdRange> ranges, uint id, Func<IdRange, uint> from, Func<IdRange, uint> to)
    {
        foreach (var range in ranges)
            if (id >= from(range) && id - from(range) < range.Count) return to(range) + (id - from(range));
        return null;
    }

    private static StorageException Unmapped(string kind, uint id) => new(
        StorageFault.InvalidArgument, $"{kind} {id} does not exist in the container's user namespace");
}
