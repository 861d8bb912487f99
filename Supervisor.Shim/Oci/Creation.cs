using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Checkpointing;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Programs;
using Supervisor.Runtime.Resources;
using Supervisor.Runtime.Seccomp;
using Supervisor.Runtime.Stdio;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Oci;

/// <summary>The part that create and run share: from a bundle to a container whose init waits for its start.</summary>
internal sealed class Creation : IDisposable
{
    public static readonly Flag[] Flags =
    [
        Flag.Value("bundle b", "directory of config.json (default: the working directory)"),
        Flag.Value("console-socket", "unix socket that receives the terminal's master"),
        Flag.Value("pid-file", "file for the init's pid"),
        Flag.Value("pidfd-socket", "unix socket that receives the init's pidfd"),
        Flag.Switch("no-pivot", "move the root instead of pivot_root: for a host that runs from a ramfs"),
        Flag.Switch("no-new-keyring", "keep the caller's session keyring"),
        Flag.Value("preserve-fds", "how many descriptors from 3 on the container gets"),
    ];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), EndPatience = TimeSpan.FromSeconds(20),
        RestorePatience = TimeSpan.FromMinutes(5);
    private readonly Invocation _invocation;
    private readonly string _directory;
    private readonly CancellationTokenSource _deadline = new(Patience);
    private readonly ContainerHost _host = new(e => Log.Warning(e.Message));
    private DirectoryLock? _lock;
    private StartSocket? _startSocket;
    private readonly List<IDisposable> _open = [];

    private Creation(Invocation invocation, string directory) => (_invocation, _directory) = (invocation, directory);

    public Container Container { get; private set; } = null!;

    public ContainerState State { get; private set; } = null!;

    /// <summary>Creates it; nothing is left when that fails.</summary>
    /// <param name="forAnother">Another process will start it (<c>create</c>).</param>
    /// <param name="detached">We do not wait for its exit.</param>
    /// <param name="images">Restores it from there; null for a new one.</param>
    public static Creation Make(Invocation invocation, bool forAnother, bool detached, CheckpointOptions? images = null)
    {
        var arguments = invocation.Arguments;
        var bundle = Path.GetFullPath(arguments.Text("bundle") is { Length: > 0 } said ? said : Environment.CurrentDirectory);
        invocation.Store.DirectoryOf(invocation.Id); // the id is checked before anything is read
        var (config, spec) = Read(bundle);
        CheckTerminal(spec.Process?.Terminal ?? false, arguments.Text("console-socket"), detached);
        var creation = new Creation(invocation, invocation.Store.Create(invocation.Id));
        try
        {
            creation._lock = invocation.Store.Lock(invocation.Id);
            creation.Run(bundle, config, spec, forAnother, images);
            return creation;
        }
        catch
        {
            creation.Undo();
            throw;
        }
    }

    /// <summary>Runs its program, when no other process will start it.</summary>
    public void Start() => Container.Start(_deadline.Token);

    /// <summary>Lets other processes work on the container.</summary>
    public void Unlock() => _lock?.Dispose();

    /// <summary>Kills and removes it.</summary>
    public void Undo()
    {
        try
        {
            Container?.End(EndPatience);
        }
        finally
        {
            _invocation.Store.Remove(_invocation.Id);
            Dispose();
        }
    }

    public void Dispose()
    {
        _startSocket?.Dispose();
        foreach (var one in _open) one.Dispose();
        Container?.Dispose();
        _lock?.Dispose();
        _host.Dispose();
        _deadline.Dispose();
    }

    private void Run(string bundle, byte[] config, Spec spec, bool forAnother, CheckpointOptions? images)
    {
        var id = _invocation.Id;
        var arguments = _invocation.Arguments;
        var cgroup = spec.Linux?.CgroupsPath is { Length: > 0 } path ? path : $"/{id}";
        State = new ContainerState(spec)
        {
            Id = id, Bundle = bundle, Created = DateTimeOffset.UtcNow, Owner = geteuid(), Config = config,
            BootId = ProcStat.BootId,
            CgroupPaths = CgroupLimits.DirectoriesOf(_host.Hierarchies, cgroup),
            ExternalDescriptors = [.. Enumerable.Range(0, 3).Select(n => new FileInfo($"/proc/self/fd/{n}").LinkTarget ?? "")],
            NoNewKeyring = arguments.IsSet("no-new-keyring"),
        };
        _invocation.Store.Save(State); // before anything is created: delete can remove a killed creation from it
        if (forAnother) _startSocket = StartSocket.Listen(_directory);
        var passed = PassedDescriptors.From(arguments);
        _open.AddRange(passed.Descriptors);
        spec = NotifySocket.AddTo(WithAbsoluteMounts(spec), _directory);
        if (spec.Process is { } process)
            spec = spec with { Process =
                ExecProcessSpec.WithHome(
                process with { Env = [.. process.Env, .. passed.Environment] }, StateJson.Rootfs(State)) };
        var request = new ContainerRequest(
            bundle, config, [], spec.Process?.Terminal == true ? StdioTargets.Console : StdioTargets.Inherited, cgroup)
        {
            OwnsBundle = false, Parsed = spec, StartSocket = _startSocket, NoPivot = arguments.IsSet("no-pivot"),
            Id = id, NewKeyring = !State.NoNewKeyring, Inherited = passed.Descriptors,
        };
        // No warning about capabilities that cannot be ambient: runc's own spec has some.
        foreach (var ignored in SpecValidator.IgnoredCapabilities(spec)
            .Where(i => !i.Field.Contains(".ambient[", StringComparison.Ordinal)))
            Log.Warning($"ignoring unknown or unavailable capabilities: {ignored.Field}: {ignored.Reason}");
        if (images is not null) _deadline.CancelAfter(RestorePatience); // there may be gigabytes to read
        Container = images is null
            ? Container.Create(_host, request, _deadline.Token) : Container.Restore(_host, request, images, _deadline.Token);
        State = State with
        {
            Pid = Container.Pid, StartTime = Container.StartTime, CgroupPaths = Container.Cgroup.Paths,
            NamespacePaths = NamespacePaths(Container.Pid),
        };
        if (arguments.Text("console-socket") is { Length: > 0 } socket && Container.TakeTerminal() is { } master)
            using (master) ConsoleSocket.Send(socket, master);
        if (arguments.Text("pidfd-socket") is { Length: > 0 } pidfds) ConsoleSocket.SendPidfd(pidfds, Container.ExitDescriptor);
        _invocation.Store.Save(State);
        if (arguments.Text("pid-file") is { Length: > 0 } file) PidFile.Write(file, Container.Pid);
        if (Log.Debugs && spec.Linux?.Seccomp is { } seccomp)
            Log.Debug($"seccomp filter flags: {SeccompFilter.Compile(seccomp).Flags & ~SeccompWords.NewListener}");
        Log.Debug($"container {id}: init {Container.Pid} is ready");
    }

    private static (byte[] Config, Spec Spec) Read(string bundle)
    {
        try
        {
            var config = File.ReadAllBytes(Path.Join(bundle, "config.json"));
            return (config, SpecReader.Read(config));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new OciException(
                $"JSON specification file config.json not found: open {Path.Join(bundle, "config.json")}: no such file or "
                + "directory", e);
        }
    }

    /// <summary>As runc does, with a warning: the specification wants absolute paths, and old callers wrote others.</summary>
    private static Spec WithAbsoluteMounts(Spec spec)
    {
        if (spec.Mounts.All(m => m.Destination is "" or ['/', ..])) return spec;
        Log.Warning($"mount destination {spec.Mounts.First(m => m.Destination is not ("" or ['/', ..])).Destination} is not "
            + "absolute");
        return spec with { Mounts =
            [.. spec.Mounts.Select(m => m.Destination is "" or ['/', ..] ? m : m with { Destination = "/" + m.Destination })] };
    }

    private static void CheckTerminal(bool terminal, string? consoleSocket, bool detached)
    {
        if (terminal && detached && string.IsNullOrEmpty(consoleSocket))
            throw new OciException("cannot allocate tty if runc will detach without setting console socket (--console-socket)");
        if (!string.IsNullOrEmpty(consoleSocket) && !(terminal && detached))
            throw new OciException("cannot use console socket if runc will not detach or allocate tty");
    }

    private static Dictionary<string, string> NamespacePaths(int pid)
    {
        var paths = new Dictionary<string, string>();
        foreach (var (name, file) in (ReadOnlySpan<(string, string)>)
            [("pid", "pid"), ("network", "net"), ("mount", "mnt"), ("ipc", "ipc"), ("uts", "uts"), ("user", "user"),
                ("cgroup", "cgroup"), ("time", "time")])
            paths[name] = $"/proc/{pid}/ns/{file}";
        return paths;
    }
}
