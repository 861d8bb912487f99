using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.ShimClient;

/// <summary>
/// Data too large for a message, as a sealed memfd: the sender can no longer change what the receiver checks.
/// </summary>
internal static class Payload
{
    /// <summary>Far above any spec, and too little to exhaust memory.</summary>
    public const int Maximum = 16 << 20;

    public static Fd Write(ReadOnlySpan<byte> bytes)
    {
        using var file = Memfd.Create("supervisor-payload");
        file.Write(bytes);
        return Memfd.Seal(file);
    }

    /// <summary>Takes the first descriptor and reads all of it.</summary>
    /// <exception cref="InvalidDataException">There is none, it is too long, or it is not sealed.</exception>
    public static byte[] Read(List<Fd> descriptors)
    {
        if (descriptors.Count == 0) throw new InvalidDataException("a message's payload is missing");
        using var file = descriptors[0];
        descriptors.RemoveAt(0);
        if (!Memfd.IsSealed(file)) throw new InvalidDataException("a message's payload is not a sealed memfd");
        return ReadAll(file, Maximum);
    }

    /// <summary>Reads from offset 0, not from the descriptor's position.</summary>
    public static byte[] ReadAll(Fd file, int maximum)
    {
        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(file.Number, ownsHandle: false);
        var length = RandomAccess.GetLength(handle);
        if (length > maximum) throw new InvalidDataException($"a message's payload has {length} bytes, more than {maximum}");
        var bytes = new byte[length];
        for (var at = 0; at < bytes.Length;)
            at += RandomAccess.Read(handle, bytes.AsSpan(at), at) is > 0 and var got
                ? got : throw new InvalidDataException("a message's payload ends early");
        return bytes;
    }
}
