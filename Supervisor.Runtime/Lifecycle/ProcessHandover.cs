using System.Runtime.InteropServices;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// All that one process of ours must give another so that it can go on with a container's process: facts, and
/// descriptors. It is what a shim sends the daemon, what a daemon sends a new shim, and what a shim leaves to its next image.
/// </summary>
internal sealed record ProcessHandover
{
    /// <summary>Descriptors, by their place in <see cref="Handles"/>.</summary>
    public const int PidfdPlace = 0, HeldPlace = 1, MasterPlace = 2, InputPlace = 3, InputPipePlace = 4, OutputPlace = 5,
        StdoutPlace = 6, StderrPlace = 7, Places = 8;

    public required string Key { get; init; }

    public required bool IsExec { get; init; }

    public required int Pid { get; init; }

    public required ulong StartTime { get; init; }

    /// <summary>Of a container whose bundle is ours to remove.</summary>
    public string? Bundle { get; init; }

    /// <summary>Of a container.</summary>
    public IReadOnlyDictionary<string, string> CgroupPaths { get; init; } = new Dictionary<string, string>();

    /// <summary>How many kills for want of memory have been told.</summary>
    public ulong OomKillsTold { get; init; }

    public bool Terminal { get; init; }

    /// <summary>Read from the client or the terminal, and not yet passed on.</summary>
    public byte[] PendingInput { get; init; } = [];

    public byte[] PendingOutput { get; init; } = [];

    public bool InputEnding { get; init; }

    /// <summary>
    /// The log of limited size that <see cref="StdoutPlace"/>, or the terminal, is relayed to; empty for none: then a FIFO's
    /// content is kept there.
    /// </summary>
    public string StdoutLog { get; init; } = "";

    /// <summary>As <see cref="StdoutLog"/>.</summary>
    public string StderrLog { get; init; } = "";

    /// <summary>Read, and not yet in the log.</summary>
    public byte[] PendingStdout { get; init; } = [];

    public byte[] PendingStderr { get; init; } = [];

    /// <summary>Null in the place of what there is none of. The receiver owns them.</summary>
    public required SafeHandle?[] Handles { get; init; }

    public Pidfd Pidfd => new(Take(PidfdPlace) ?? throw new InvalidDataException("a handed over process without its pidfd"));

    public Fd? Descriptor(int place) => Take(place) is { } number ? new Fd(number) : null;

    /// <summary>Takes a number out of its handle.</summary>
    private int? Take(int place)
    {
        if (Handles[place] is not { IsInvalid: false } handle) return null;
        var number = (int)handle.DangerousGetHandle();
        handle.SetHandleAsInvalid();
        Handles[place] = null;
        return number;
    }

    /// <summary>Closes what nobody took.</summary>
    public void Close()
    {
        foreach (var handle in Handles) handle?.Dispose();
    }
}
