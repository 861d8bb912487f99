using System.Runtime.InteropServices;

namespace Supervisor.Kernel.Files;

/// <summary>
/// Keeps a handle open for the length of a system call, even if another thread disposes of it meanwhile: its number could
/// refer to another file by then.
/// </summary>
public readonly ref struct HeldHandle : IDisposable
{
    private readonly SafeHandle _handle;

    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    public HeldHandle(SafeHandle handle)
    {
        var held = false;
        handle.DangerousAddRef(ref held);
        _handle = handle;
    }

    /// <summary>The descriptor.</summary>
    public int Number => (int)_handle.DangerousGetHandle();

    /// <inheritdoc/>
    public void Dispose() => _handle.DangerousRelease();
}
