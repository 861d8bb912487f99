using System.Buffers.Binary;
using Supervisor.Kernel.Abi;

namespace Supervisor.Kernel.Files;

/// <summary>The names in a directory as the kernel stores them: bytes, of no encoding. getdents64(2).</summary>
internal static unsafe class DirectoryNames
{
    private const int NameOffset = 19, BufferSize = 32 << 10; // d_ino, d_off, d_reclen, d_type, d_name

    /// <summary>Each with its NUL, for a <c>fixed</c> statement; without "." and "..".</summary>
    /// <param name="directory">Opened for reading; read from its current position.</param>
    public static IReadOnlyList<byte[]> Of(Fd directory)
    {
        var names = new List<byte[]>();
        var buffer = new byte[BufferSize];
        while (true)
        {
            nint got;
            fixed (byte* start = buffer) got = Native.getdents64(directory.Number, start, BufferSize);
            if (got < 0) throw new SyscallException("getdents64", Errno.Last);
            if (got == 0) return names;
            for (var at = 0; at < got; at += BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + 16)))
            {
                var name = buffer.AsSpan(at + NameOffset);
                name = name[..(name.IndexOf((byte)0) + 1)];
                if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8)) names.Add(name.ToArray());
            }
        }
    }
}
