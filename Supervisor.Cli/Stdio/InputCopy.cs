using Microsoft.Win32.SafeHandles;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Cli.Stdio;

/// <summary>Called with the input.</summary>
internal delegate void InputSeen(ReadOnlySpan<byte> bytes);

/// <summary>
/// Copies our stdin to the container's on a thread of its own, which ends with our input, the container or the process.
/// </summary>
internal sealed class InputCopy
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SafeFileHandle _to;
    private readonly InputSeen? _passing;
    private readonly DetachKeys? _keys;

    /// <param name="to">Writing end of the FIFO; closed when our input ends.</param>
    /// <param name="passing">Called with what is copied.</param>
    /// <param name="keys">They also end the copying; null for none.</param>
    public InputCopy(SafeFileHandle to, InputSeen? passing, DetachKeys? keys)
    {
        (_to, _passing, _keys) = (to, passing, keys);
        new Thread(Run) { IsBackground = true, Name = "input" }.Start();
    }

    /// <summary>Completes when our input has ended and the FIFO is closed.</summary>
    public Task Ended => _ended.Task;

    private void Run()
    {
        using var from = new SafeFileHandle(0, ownsHandle: false);
        var buffer = new byte[64 * 1024];
        try
        {
            while (!StandardStreams.IsMissing(0) && RawIo.Read(from, buffer) is > 0 and var length)
            {
                var passed = _keys is null ? buffer.AsSpan(0, length) : _keys.Filter(buffer.AsSpan(0, length));
                _passing?.Invoke(passed);
                if (RawIo.WriteAll(_to, passed) is not Errno.None || _keys is { Typed.IsCompleted: true }) break;
            }
        }
        finally
        {
            _to.Dispose();
            _ended.TrySetResult();
        }
    }
}
