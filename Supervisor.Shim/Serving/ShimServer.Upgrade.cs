using System.Runtime.InteropServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Serving;

/// <summary>
/// Replaces our executable with a newer one: same pid, so the containers stay its children; same descriptors, so neither they
/// nor the daemon notice. The state is passed in a memfd. If the exec fails, we continue as before.
/// </summary>
internal sealed unsafe partial class ShimServer
{
    private const int MostState = 256 << 20;
    private static readonly TimeSpan UpgradeWithin = TimeSpan.FromSeconds(30);
    private (Connection From, long Number, string Path, long Until)? _upgrade;

    private void BeginUpgrade(Connection from, long number, string path)
    {
        if (_upgrade is not null || !path.StartsWith('/') || !IsExecutable(path))
        {
            Fail(from, number, new InvalidOperationException(
                _upgrade is not null ? "an upgrade is already in progress" : $"\"{path}\" cannot be executed"));
            return;
        }
        _upgrade = (from, number, path, Environment.TickCount64 + (long)UpgradeWithin.TotalMilliseconds);
        from.Pause(true); // requests wait in the socket until the upgrade is done
        UpgradeIfIdle();
    }

    private static bool IsExecutable(string path)
    {
        fixed (byte* text = CString.Of(path)) return access(text, X_OK) == 0;
    }

    private void UpgradeIfIdle()
    {
        if (_upgrade is not var (from, number, path, until)) return;
        if (!_work.IsIdle)
        {
            if (Environment.TickCount64 < until) return;
            _upgrade = null;
            Fail(from, number, new TimeoutException("work is stuck in the kernel"));
            from.Pause(false);
            return;
        }
        _upgrade = null;
        var kept = new List<Fd>();
        var state = Write(from, number, kept);
        _log($"upgrading to {path} with {_processes.Count} processes");
        foreach (var process in _processes.Values) process.Front?.StopFront();
        foreach (var process in _processes.Values) process.Dispose(); // the copies of their descriptors stay
        Execute(path, ["supervisor-shim", .. Environment.GetCommandLineArgs().Skip(1).TakeWhile(a => a != "--resume"), "--resume",
            $"{state.Number}"]);
        _log($"{path}: {Errno.Last}: the upgrade failed, this version continues");
        _processes.Clear();
        _byPid.Clear();
        _listener!.Dispose();
        _connection = null;
        foreach (var fd in kept) fd.SetHandleAsInvalid(); // Resume takes them by number
        from.Dispose();
        Resume(state);
    }

    /// <summary>Our whole state, with copies of our descriptors that survive an exec.</summary>
    private Fd Write(Connection from, long number, List<Fd> kept)
    {
        var state = new MessageWriter().I32(ShimFrame.Newest).I32(Keep(_listener!.Fd)).I32(Keep(from.Fd)).I32(from.Version)
            .I64(number).I32(_processes.Count);
        foreach (var entry in _processes.Values)
        {
            var process = entry.Child.HandOver(entry.Key, stop: true);
            state.Put(process, ShimFrame.Newest);
            foreach (var handle in process.Present()) state.I32(Keep(handle));
            state.Text(entry.ContainerKey ?? "").Flag(entry.Reported).Flag(entry.Exit is not null);
            if (entry.Exit is { } exit) state.Put(exit);
        }
        // Behind everything: an older executable does not read it.
        foreach (var entry in _processes.Values) state.Put(entry.Marks, entry.Spec);
        var file = Memfd.Create("supervisor-shim-state");
        file.Write(state.Written.Span);
        _ = fcntl(file.Number, F_SETFD, 0);
        return file;

        int Keep(SafeHandle handle)
        {
            var copy = fcntl((int)handle.DangerousGetHandle(), F_DUPFD, 3);
            if (copy < 0) throw new SyscallException("fcntl(F_DUPFD)", Errno.Last);
            kept.Add(new Fd(copy));
            return copy;
        }
    }

    /// <summary>Restores the state that the previous executable wrote.</summary>
    private void Resume(Fd file)
    {
        var state = new MessageReader(Payload.ReadAll(file, MostState));
        file.Dispose();
        var version = state.I32();
        if (version is < ShimFrame.Oldest or > ShimFrame.Newest)
            throw new InvalidDataException($"the state of the previous executable has unknown version {version}");
        Listen(new PacketSocket(Take(state.I32())));
        var daemon = new PacketSocket(Take(state.I32()));
        var (spoken, number) = (state.I32(), state.I64());
        _connection = new Connection(_loop, daemon, OnMessage, OnEnd) { Version = spoken };
        var entries = new List<(ProcessHandover Process, string? Container, bool Reported, ExitRecord? Exit)>();
        for (var left = state.I32(); left > 0; left--)
        {
            var process = state.ProcessWithNumbers(version, Take);
            var container = state.Text();
            var (reported, exited) = (state.Flag(), state.Flag());
            var exit = exited ? state.Exit() : null;
            entries.Add((process, container.Length == 0 ? null : container, reported, exit));
        }
        foreach (var (process, container, reported, exit) in entries)
        {
            var (marks, spec) = state.Marks();
            Resume(new ShimProcessEntry(process.Key, container, Resumed(process))
            {
                Reported = reported, Exit = exit, Marks = marks, Spec = spec,
            });
        }
        Answer(_connection, number);
        _log($"running with {_processes.Count} processes");
    }

    private void Resume(ShimProcessEntry entry)
    {
        Register(entry);
        if (entry.Exit is null)
        {
            Watch(entry);
            return;
        }
        // Reaped by the previous executable: there is nothing to watch.
        entry.Child.OnAlreadyExited();
        if (!entry.Reported) ReportExit(entry, entry.Exit.End);
        else if (entry.ContainerKey is not null
            && _ledger.Find(entry.Key, entry.Child.Pid, entry.Child.StartTime) is null) RemoveWhenRead(entry);
    }

    private static Fd Take(int number)
    {
        _ = fcntl(number, F_SETFD, FD_CLOEXEC);
        return new Fd(number);
    }

    private static void Execute(string path, string[] arguments)
    {
        var environment = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .Select(e => $"{e.Key}={e.Value}");
        fixed (byte* file = CString.Of(path)) _ = execve(file, Pointers(arguments), Pointers([.. environment]));

        static byte** Pointers(string[] texts)
        {
            var pointers = (byte**)NativeMemory.AllocZeroed((nuint)texts.Length + 1, (nuint)sizeof(byte*)); // freed by the exec
            for (var i = 0; i < texts.Length; i++) pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
            return pointers;
        }
    }
}
