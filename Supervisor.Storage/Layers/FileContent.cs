using Supervisor.Kernel.Files;

namespace Supervisor.Storage.Layers;

/// <summary>Writes the bytes of a tar's entry to a new file, and leaves its holes.</summary>
internal static class FileContent
{
    public static void Write(TarEntry entry, TarReader reader, Fd file, byte[] buffer, CancellationToken cancel)
    {
        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(file.Number, ownsHandle: false);
        foreach (var segment in entry.Segments ?? [new TarSegment(0, entry.Size)])
        {
            var end = segment.Offset + segment.Length;
            for (var offset = segment.Offset; offset < end;)
            {
                cancel.ThrowIfCancellationRequested();
                var got = reader.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - offset)));
                RandomAccess.Write(handle, buffer.AsSpan(0, got), offset);
                offset += got;
            }
        }
        if (entry.Segments is not null) RandomAccess.SetLength(handle, entry.Size);
    }
}
