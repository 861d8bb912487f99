using Supervisor.Storage.Files;

namespace Supervisor.Storage.Layers;

/// <summary>The kind of a tar entry. The type flags of ustar (POSIX.1-1988), which PAX and GNU keep.</summary>
public enum TarKind : byte
{
#pragma warning disable CS1591 // tar(5)
    File = (byte)'0',
    HardLink = (byte)'1',
    Symlink = (byte)'2',
    CharacterDevice = (byte)'3',
    BlockDevice = (byte)'4',
    Directory = (byte)'5',
    Fifo = (byte)'6',
#pragma warning restore CS1591
}

/// <summary>A segment of a sparse file that has data.</summary>
public readonly record struct TarSegment(long Offset, long Length);

/// <summary>One entry of a tar stream. Names, link targets and attribute names are raw (<see cref="RawName"/>).</summary>
/// <param name="Size">Bytes of the unpacked file, holes included.</param>
/// <param name="Segments">The places of its bytes, in order; null for a file without holes.</param>
/// <param name="Attributes">Extended attributes by name.</param>
public sealed record TarEntry(
    string Name, TarKind Kind, string LinkName, uint Mode, uint Uid, uint Gid, long Size, FileTime Modified, uint Major,
    uint Minor,
    IReadOnlyList<TarSegment>? Segments, IReadOnlyDictionary<string, byte[]> Attributes);
