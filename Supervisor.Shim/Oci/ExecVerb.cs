using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Shim.Oci;

/// <summary><c>exec</c>: another process in a container, from a file or from flags over the container's own process.</summary>
internal static class ExecVerb
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static readonly Verb Verb = new("exec", "ID [COMMAND [ARGUMENT...]]", "run another process in a container",
    [
        Flag.Value("console-socket", "unix socket that receives the terminal's master"),
        Flag.Value("cwd", "working directory"),
        Flag.List("env e", "NAME=value, added to the container's environment"),
        Flag.Switch("tty t", "with a terminal"),
        Flag.Value("user u", "UID[:GID]"),
        Flag.List("additional-gids g", "supplementary groups"),
        Flag.Value("process p", "file with the whole process in JSON"),
        Flag.Switch("detach d", "do not wait for its exit"),
        Flag.Value("pid-file", "file for its pid"),
        Flag.Value("pidfd-socket", "unix socket that receives its pidfd"),
        Flag.Value("process-label", "SELinux label"),
        Flag.Value("apparmor", "AppArmor profile"),
        Flag.Switch("no-new-privs", "set-user-id programs gain nothing"),
        Flag.List("cap c", "a capability to add"),
        Flag.Value("preserve-fds", "how many descriptors from 3 on it gets"),
        Flag.List("cgroup", "[CONTROLLERS:]PATH, a cgroup below the container's to run in"),
        Flag.Switch("ignore-paused", "wait for a paused container to be resumed"),
        Flag.Switch("no-subreaper", "no effect: orphans are not adopted"),
    ], 1, int.MaxValue, Run) { StopsAtFirst = true, FailureStatus = 255, FailurePrefix = "exec failed: " };

    private static int Run(Invocation invocation)
    {
        var arguments = invocation.Arguments;
        var detached = arguments.IsSet("detach");
        using var live = LiveContainer.Open(invocation.Store, invocation.Id);
        switch (live.Status)
        {
            case "stopped": throw new OciException("cannot exec in a stopped container: container not running");
            case "paused" when !arguments.IsSet("ignore-paused"): throw new OciException(
                "cannot exec in a paused container (use --ignore-paused to override)");
        }
        var unknown = arguments.List("cap").Where(name => Capability.TryNumber(name) is null).ToArray();
        if (unknown.Length > 0) Log.Warning($"ignoring unknown or unavailable capabilities: [{string.Join(' ', unknown)}]");
        var process = ExecProcessSpec.From(arguments, live.State.Spec);
        var console = arguments.Text("console-socket");
        if (process.Terminal && detached && string.IsNullOrEmpty(console))
            throw new OciException("cannot allocate tty if runc will detach without setting console socket (--console-socket)");
        if (!string.IsNullOrEmpty(console) && !(process.Terminal && detached))
            throw new OciException("cannot use console socket if runc will not detach or allocate tty");
        var passed = PassedDescriptors.From(arguments);
        process = ExecProcessSpec.WithHome(
            process with { Env = [.. process.Env, .. passed.Environment] }, StateJson.Rootfs(live.State));
        var cgroups = SubCgroups.Of(live.Container!.Cgroup, arguments.List("cgroup"));
        using var deadline = new CancellationTokenSource(Patience);
        Log.Debug($"container {invocation.Id}: exec of \"{string.Join(' ', process.Args.Take(1))}\" as "
            + $"{process.User.Uid}:{process.User.Gid} in {process.Cwd}");
        using var exec = live.Container.Exec(
            new ExecRequest(SpecWriter.Write(process), process.Terminal ? StdioTargets.Console : StdioTargets.Inherited)
        {
            Inherited = passed.Descriptors,
            Container = live.State.Spec,
            Cgroup = cgroups,
            EvenIfPaused = arguments.IsSet("ignore-paused"),
        }, deadline.Token);
        Log.Debug($"container {invocation.Id}: process {exec.Pid} is ready");
        var terminal = exec.TakeTerminal();
        var started = false;
        try
        {
            if (!string.IsNullOrEmpty(console))
            {
                ConsoleSocket.Send(console, terminal!);
                terminal!.Dispose();
                terminal = null;
            }
            if (arguments.Text("pidfd-socket") is { Length: > 0 } pidfds) ConsoleSocket.SendPidfd(pidfds, exec.ExitDescriptor);
            if (arguments.Text("pid-file") is { Length: > 0 } file) PidFile.Write(file, exec.Pid);
            using var foreground = detached ? null : new Foreground(terminal, exec.ExitDescriptor, signal => exec.Signal(signal));
            exec.Start(deadline.Token);
            started = true;
            if (foreground is null) return 0;
            foreground.WaitForExit();
            return exec.Wait(TimeSpan.Zero)?.Code ?? 255;
        }
        finally
        {
            if (!started) exec.End(Patience);
        }
    }
}
