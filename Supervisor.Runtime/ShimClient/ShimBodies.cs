using System.Runtime.InteropServices;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.ShimClient;

/// <summary>The bodies of messages: each writer next to its reader.</summary>
internal static class ShimBodies
{
    public static MessageWriter Put(this MessageWriter to, StdioTargets stdio) =>
        to.Text(stdio.Stdin).Text(stdio.Stdout).Text(stdio.Stderr).Flag(stdio.Terminal);

    public static StdioTargets Stdio(this MessageReader from) => new(from.Text(), from.Text(), from.Text(), from.Flag());

    /// <summary>A create request without its spec, which travels as a descriptor.</summary>
    public static MessageWriter Put(this MessageWriter to, ContainerRequest request)
    {
        to.Text(request.Bundle).Flag(request.OwnsBundle).Text(request.DefaultCgroup).Put(request.Stdio)
            .I32(request.RootMounts.Count);
        foreach (var mount in request.RootMounts)
            to.Text(mount.Type).Text(mount.Source).Text(mount.Target).Texts([.. mount.Options]);
        return to;
    }

    public static ContainerRequest Request(this MessageReader from, ReadOnlyMemory<byte> spec)
    {
        var (bundle, owns, cgroup, stdio) = (from.Text(), from.Flag(), from.Text(), from.Stdio());
        var mounts = new List<RootMount>();
        for (var left = from.Count(); left > 0; left--)
            mounts.Add(new RootMount(from.Text(), from.Text(), from.Text(), from.Texts()));
        return new ContainerRequest(bundle, spec, mounts, stdio, cgroup) { OwnsBundle = owns };
    }

    public static MessageWriter Put(this MessageWriter to, CheckpointOptions options) => to
        .Text(options.ImageDirectory).Text(options.WorkDirectory ?? "").Text(options.ParentDirectory ?? "")
            .Flag(options.LeaveRunning)
        .Flag(options.TcpEstablished).Flag(options.ExternalUnixSockets).Flag(options.ShellJob).Flag(options.FileLocks)
        .Texts([.. options.EmptyNamespaces]).Flag(options.PreDump).Text(options.ManageCgroups ?? "").Text(options.Criu)
            .Flag(options.TcpSkipInFlight)
        .Flag(options.LinkRemap).Flag(options.AutoDedup).Flag(options.ExternalNetwork).Text(options.LsmProfile ?? "")
            .Text(options.LsmMountContext ?? "");

    public static CheckpointOptions Checkpoint(this MessageReader from) => new()
    {
        ImageDirectory = from.Text(), WorkDirectory = NullIfEmpty(from.Text()), ParentDirectory = NullIfEmpty(from.Text()),
        LeaveRunning = from.Flag(),
        TcpEstablished = from.Flag(), ExternalUnixSockets = from.Flag(), ShellJob = from.Flag(), FileLocks = from.Flag(),
        EmptyNamespaces = from.Texts(), PreDump = from.Flag(), ManageCgroups = NullIfEmpty(from.Text()), Criu = from.Text(),
        TcpSkipInFlight = from.Flag(), LinkRemap = from.Flag(), AutoDedup = from.Flag(), ExternalNetwork = from.Flag(),
        LsmProfile = NullIfEmpty(from.Text()), LsmMountContext = NullIfEmpty(from.Text()),
    };

    private static string? NullIfEmpty(string text) => text.Length > 0 ? text : null;

    /// <summary>A process. The descriptors that it has travel beside the message.</summary>
    /// <param name="version">The version that the receiver speaks.</param>
    public static MessageWriter Put(this MessageWriter to, ProcessHandover process, int version)
    {
        to.Text(process.Key).Flag(process.IsExec).I32(process.Pid).I64((long)process.StartTime).Text(process.Bundle ?? "")
            .Pairs(process.CgroupPaths)
            .I64((long)process.OomKillsReported).Flag(process.Terminal).Flag(process.InputClosing).Bytes(process.PendingInput)
                .Bytes(process.PendingOutput);
        var present = 0;
        for (var i = 0; i < process.Handles.Length; i++) present |= process.Handles[i] is { IsClosed: false } ? 1 << i : 0;
        to.I32(present);
        return version < ShimFrame.WithLogs
            ? to : to.Text(process.StdoutLog).Text(process.StderrLog).Bytes(process.PendingStdout).Bytes(process.PendingStderr);
    }

    /// <summary>The descriptors of <see cref="Put(MessageWriter, ProcessHandover, int)"/>, in order.</summary>
    public static IEnumerable<SafeHandle> Present(this ProcessHandover process) =>
        process.Handles.Where(h => h is { IsClosed: false })!;

    /// <param name="descriptors">The process's are removed from the list.</param>
    /// <param name="version">The version that the sender spoke.</param>
    public static ProcessHandover Process(this MessageReader from, List<Fd> descriptors, int version) =>
        from.Process(version, _ =>
    {
        if (descriptors.Count == 0) throw new InvalidDataException("the descriptors of a process are missing");
        var first = descriptors[0];
        descriptors.RemoveAt(0);
        return first;
    });

    /// <summary>As <see cref="Process(MessageReader, List{Fd}, int)"/>, but with descriptor numbers in the body.</summary>
    public static ProcessHandover ProcessWithNumbers(this MessageReader from, int version, Func<int, Fd> take) =>
        from.Process(version, reader => take(reader.I32()));

    private static ProcessHandover Process(this MessageReader from, int version, Func<MessageReader, Fd> next)
    {
        var handles = new SafeHandle?[ProcessHandover.Places];
        var process = new ProcessHandover
        {
            Key = from.Text(), IsExec = from.Flag(), Pid = from.I32(), StartTime = (ulong)from.I64(),
            Bundle = from.Text() is { Length: > 0 } bundle
                ? bundle : null, CgroupPaths = from.Pairs(), OomKillsReported = (ulong)from.I64(),
            Terminal = from.Flag(), InputClosing = from.Flag(), PendingInput = from.Bytes().ToArray(),
            PendingOutput = from.Bytes().ToArray(),
            Handles = handles,
        };
        var present = from.I32();
        if (version >= ShimFrame.WithLogs)
        {
            process = process with
            {
                StdoutLog = from.Text(), StderrLog = from.Text(), PendingStdout = from.Bytes().ToArray(),
                PendingStderr = from.Bytes().ToArray(),
            };
        }
        for (var i = 0; i < ProcessHandover.Places; i++)
            if ((present & 1 << i) != 0) handles[i] = next(from);
        return process;
    }

    /// <summary>What a process of a shim's list has besides its handover, container and exit.</summary>
    public static MessageWriter Put(this MessageWriter to, ServiceMarks marks, ReadOnlySpan<byte> spec) =>
        to.I32((int)marks).Bytes(spec);

    public static (ServiceMarks Marks, byte[] Spec) Marks(this MessageReader from) =>
        ((ServiceMarks)from.I32(), from.IsAtEnd ? [] : from.Bytes().ToArray());

    public static MessageWriter Put(this MessageWriter to, ExitRecord exit) =>
        to.Text(exit.Key).I32(exit.Pid).I64((long)exit.StartTime)
        .I32(exit.Status ?? -1).I64(exit.At.UtcTicks).I64((long)exit.OomKills)
        .I64(exit.Usage.User.Ticks).I64(exit.Usage.System.Ticks).I64(exit.Usage.MaximumResident);

    public static ExitRecord Exit(this MessageReader from) => new(
        from.Text(), from.I32(), (ulong)from.I64(), from.I32() is >= 0 and var status ? status : null,
        new DateTimeOffset(Math.Clamp(from.I64(), 0, DateTimeOffset.MaxValue.UtcTicks), TimeSpan.Zero), (ulong)from.I64(),
        new ProcessUsage(TimeSpan.FromTicks(from.I64()), TimeSpan.FromTicks(from.I64()), from.I64()));
}

/// <summary>How a process exited, kept until its exit is journalled.</summary>
/// <param name="Status">0–255; null where it cannot be known.</param>
/// <param name="OomKills">The OOM kills that its cgroup has counted; 0 for an exec.</param>
internal sealed record ExitRecord(
    string Key, int Pid, ulong StartTime, int? Status, DateTimeOffset At, ulong OomKills, ProcessUsage Usage)
{
    public ProcessExit End => new(Status is { } known ? new ExitStatus(known) : null, At);
}
