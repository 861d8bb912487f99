using System.Runtime.InteropServices;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;

namespace Supervisor.Runtime.Lifecycle;

/// <summary>
/// All that one process of ours must give another so that it can adopt a container's process: facts and descriptors.
/// A shim sends it to the daemon, a daemon to a new shim, and a shim to its next version across an upgrade.
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

    /// <summary>For a container whose bundle we own.</summary>
    public string? Bundle { get; init; }

    /// <summary>For a container.</summary>
    public IReadOnlyDictionary<string, string> CgroupPaths { get; init; } = new Dictionary<string, string>();

    /// <summary>How many OOM kills have been reported.</summary>
    public ulong OomKillsReported { get; init; }

    public bool Terminal { get; init; }

    /// <summary>Read from the client or the terminal, and not yet relayed.</summary>
    public byte[] PendingInput { get; init; } = [];

    public byte[] PendingOutput { get; init; } = [];

    public bool InputClosing { get; init; }

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

    /// <summary>Null in each place that is not used. The receiver owns them.</summary>
    public required SafeHandle?[] Handles { get; init; }

    public Pidfd Pidfd => new(Take(PidfdPlace) ?? throw new InvalidDataException("a process was handed over without its pidfd"));

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

    /// <summary>Closes the handles that were not taken.</summary>
    public void Close()
    {
        foreach (var handle in Handles) handle?.Dispose();
    }
}
