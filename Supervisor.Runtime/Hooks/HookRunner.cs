using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.Hooks;

/// <summary>
/// Runs a spec's hooks one after the other. Each gets the state on standard input and exactly its own environment (never ours or
/// the image's, and not in its root: CVE-2025-23266). As with runc the working directory is the bundle, for createContainer the
/// root filesystem. Calls block.
/// </summary>
/// <remarks>runtime-spec, config.md, "POSIX-platform Hooks".</remarks>
public static class HookRunner
{
    private const int OutputKept = 4096;
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(100);

    /// <summary>Runs them in our own namespaces, until one fails.</summary>
    /// <param name="point">The spec's name for them, e.g. <c>poststart</c>.</param>
    /// <exception cref="HookException">One failed, or timed out and was killed.</exception>
    /// <exception cref="OperationCanceledException">The deadline passed; the hook was killed.</exception>
    public static void Run(string point, IReadOnlyList<HookSpec> hooks, ContainerState state, CancellationToken deadline)
    {
        for (var i = 0; i < hooks.Count; i++) RunOne($"hooks.{point}[{i}]", hooks[i], state, null, deadline);
    }

    /// <summary>Runs all of them in our own namespaces and reports each failure: for poststop.</summary>
    public static void RunAll(
        string point, IReadOnlyList<HookSpec> hooks, ContainerState state, Action<Exception> onError, CancellationToken deadline)
    {
        for (var i = 0; i < hooks.Count; i++)
        {
            try
            {
                RunOne($"hooks.{point}[{i}]", hooks[i], state, null, deadline);
            }
            catch (Exception e) when (e is HookException or OperationCanceledException or SyscallException)
            {
                onError(e);
            }
        }
    }

    /// <summary>Runs them in the namespaces of a process.</summary>
    /// <param name="directory">Their working directory.</param>
    internal static void RunInside(
        string point, IReadOnlyList<HookSpec> hooks, ContainerState state, Pidfd process, CloneFlags namespaces, string directory,
            CancellationToken deadline)
    {
        for (var i = 0; i < hooks.Count; i++)
            RunOne($"hooks.{point}[{i}]", hooks[i], state, (process, namespaces, directory), deadline);
    }

    private static void RunOne(
        string field, HookSpec hook, ContainerState state, (Pidfd Process, CloneFlags Namespaces, string Directory)? inside,
        CancellationToken deadline)
    {
        var name = $"{field} \"{hook.Path}\"";
        using var stdin = Memfd.Create("hook-state");
        stdin.Write(state.ToJson());
        using var readable = Fd.Open($"/proc/self/fd/{stdin.Number}", OpenFlags.O_RDONLY); // a new open file, at offset 0
        var (output, theirs) = Pipe.Create();
        using (output)
        {
            LaunchedProcess process;
            try
            {
                using (theirs) process = Launch(hook, state.Bundle, readable, theirs, inside, deadline);
            }
            catch (LaunchException e)
            {
                throw new HookException(name, e.Message, e);
            }
            using (process.Pidfd)
            {
                var (status, printed, timedOut) = Await(process.Pidfd, output, hook.Timeout, deadline);
                var said = printed.Length == 0 ? "" : $"; it printed: {printed}";
                if (timedOut) throw new HookException(name, $"was killed after its timeout of {hook.Timeout} s{said}");
                if (status is not { Code: 0 })
                    throw new HookException(
                    name, $"ended with {(status is { } s ? $"status {s.Code}" : "an unknown status")}{said}");
            }
        }
    }

    private static LaunchedProcess Launch(
        HookSpec hook, string bundle, Fd stdin, Fd output, (Pidfd Process, CloneFlags Namespaces, string Directory)? inside,
        CancellationToken deadline)
    {
        var program = new LaunchProgram();
        program.Add(Syscall.dup3, "the state", stdin.Number, 0, 0);
        program.Add(Syscall.dup3, "output", output.Number, 1, 0);
        program.Add(Syscall.dup3, "output", output.Number, 2, 0);
        if (inside is not { } target)
        {
            Execute(program, hook, bundle);
            return Launcher.Launch(program, CloneFlags.None, null, deadline);
        }
        // setns applies a pid namespace only to later children: as for an exec (ExecProgram).
        program.Add(Syscall.setns, $"{target.Namespaces}", target.Process.Number, (long)target.Namespaces)
            .Called("enter the container's namespaces");
        var pid = program.Value(0L);
        var clone = program.Value(new CloneArgs
        {
            flags = CloneFlags.CLONE_PARENT | CloneFlags.CLONE_VM | CloneFlags.CLONE_VFORK | CloneFlags.CLONE_PARENT_SETTID,
        });
        program.PutPointer(new DataRef(clone.Offset + 3 * sizeof(ulong)), pid);
        var isFirst = program.Add(Syscall.clone3, "in the container", clone, Unsafe.SizeOf<CloneArgs>()).SkippingOnPositive();
        Execute(program, hook, target.Directory);
        isFirst.SkipsToHere();
        program.Add(Syscall.exit_group, "0", 0);
        return Launcher.LaunchNested(program, pid, null, deadline);
    }

    private static void Execute(LaunchProgram program, HookSpec hook, string bundle)
    {
        const uint CLOSE_RANGE_CLOEXEC = 4;
        program.Add(Syscall.chdir, "/", program.Text("/"));
        // at poststop it may not exist any more
        if (bundle.Length > 0) program.Add(Syscall.chdir, bundle, program.Text(bundle)).IgnoringErrors();
        program.Add(Syscall.close_range, "all but the standard streams, at exec", 3, uint.MaxValue, CLOSE_RANGE_CLOEXEC);
        ProgramSteps.ResetSignals(program);
        ProgramSteps.UnblockSignals(program);
        program.Add(Syscall.execve, hook.Path, program.Text(hook.Path),
            program.Strings(hook.Args.Count > 0 ? hook.Args : [hook.Path]), program.Strings(hook.Env));
    }

    /// <summary>Reads its output, so that it never blocks on the pipe, and keeps the beginning.</summary>
    private static (ExitStatus? Status, string Printed, bool TimedOut) Await(
        Pidfd process, Fd output, int? timeout, CancellationToken deadline)
    {
        var clock = Stopwatch.StartNew();
        var kept = new StringBuilder();
        var buffer = new byte[4096];
        var open = true;
        StdioFiles.SetNonBlocking(output);
        while (true)
        {
            var late = timeout is { } seconds && clock.Elapsed >= TimeSpan.FromSeconds(seconds);
            if (late || deadline.IsCancellationRequested)
            {
                process.TrySignal(Signal.SIGKILL);
                process.Reap();
                deadline.ThrowIfCancellationRequested();
                return (null, kept.ToString(), true);
            }
            var left = timeout is { } t ? TimeSpan.FromSeconds(t) - clock.Elapsed : Slice;
            left = left < TimeSpan.Zero ? TimeSpan.Zero : left < Slice ? left : Slice;
            var (ended, printed) = open
                ? Poll.WaitForInput(process.Number, output.Number, left)
                : (Poll.Wait(process.Number, PollEvents.POLLIN, left), PollEvents.None);
            if (printed != PollEvents.None) open = Read();
            if (ended == PollEvents.None) continue;
            for (var i = 0; open && i < 16; i++) if (!Read()) break; // what is buffered; a grandchild may print forever
            return (process.Reap(), kept.ToString().TrimEnd(), false);
        }

        bool Read()
        {
            var got = output.TryRead(buffer);
            if (got > 0 && kept.Length < OutputKept)
                kept.Append(Encoding.UTF8.GetString(buffer, 0, Math.Min(got.Value, OutputKept - kept.Length)));
            return got is not 0 && (got is not null || open);
        }
    }
}
