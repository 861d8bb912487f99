using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Tests.Runtime;

/// <summary>
/// Real containers on a read-only view of the host's root; disposing kills all of them, also when the test fails.
/// </summary>
public sealed class TestContainers : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static int _last;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("supervisor-test-");
    private readonly List<Container> _made = [];

    /// <summary>Warnings reported outside of calls.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<Exception> Warnings { get; } = new();

    public ContainerHost Host { get; }

    public TestContainers() => Host = new ContainerHost(Warnings.Enqueue);

    public string Place => _directory.FullName;

    /// <summary>A container's output and exit status.</summary>
    public sealed record Outcome(int? Status, string Output, bool OomKilled);

    /// <summary>Creates a container without starting it, with its output in a file.</summary>
    public (Container Container, string Log) Create(
        Spec spec, IReadOnlyList<RootMount>? root = null, string? name = null, StdioTargets? stdio = null,
            Func<ContainerRequest, ContainerRequest>? change = null)
    {
        name ??= $"supervisor-test-{Environment.ProcessId}-{Interlocked.Increment(ref _last)}";
        var log = Path.Join(Place, name + ".log");
        using var deadline = new CancellationTokenSource(Patience);
        var request = new ContainerRequest(
            Path.Join(Place, name), SpecWriter.Write(spec), root ?? HostRoot, stdio
                ?? new StdioTargets("", $"file://{log}", "", false), $"/{name}");
        var container = Container.Create(Host, change?.Invoke(request) ?? request, deadline.Token);
        lock (_made) _made.Add(container);
        return (container, log);
    }

    /// <summary>Runs a command until it exits.</summary>
    public async Task<Outcome> RunAsync(
        string[] command, Func<Spec, Spec>? change = null, IReadOnlyList<RootMount>? root = null,
            Func<ContainerRequest, ContainerRequest>? request = null)
    {
        var spec = Shell(command);
        var (container, log) = Create(change?.Invoke(spec) ?? spec, root, change: request);
        var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var oom = false;
        container.Watch(end => exit.SetResult(end.Status), () => oom = true);
        using var deadline = new CancellationTokenSource(Patience);
        container.Start(deadline.Token);
        var status = await exit.Task.WaitAsync(Patience);
        return new Outcome(status?.Code, await File.ReadAllTextAsync(log), oom);
    }

    /// <summary>A read-only view of the host's root: an overlay over an empty tmpfs.</summary>
    public static IReadOnlyList<RootMount> HostRoot { get; } =
        [new("tmpfs", "tmpfs", "", []), new("overlay", "overlay", "", ["ro", "lowerdir=/:rootfs"])];

    /// <summary>The default spec around a command.</summary>
    public static Spec Shell(params string[] command) => DefaultSpec.Create(command, "rootfs", new DefaultSpecOptions
    {
        Hostname = "box",
        Mounts = [new MountSpec { Destination = "/tmp", Type = "tmpfs", Source = "tmpfs", Options = ["nosuid", "nodev"] }],
    });

    public void Dispose()
    {
        foreach (var container in _made) container.End(Patience);
        Host.Dispose();
        _directory.Delete(recursive: true);
    }
}
