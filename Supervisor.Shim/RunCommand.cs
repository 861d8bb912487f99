using System.Runtime.InteropServices;
using Supervisor.Kernel.Containers;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Stdio;

namespace Supervisor.Shim;

/// <summary><c>run</c>: create, start, wait and delete, with our own standard streams and our exit status the container's.</summary>
internal static class RunCommand
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(20);

    public static int Run(string[] args)
    {
        var (bundle, pidFile, id) = Parse(args);
        var spec = File.ReadAllBytes(Path.Join(bundle, "config.json"));
        using var host = new ContainerHost(e => Console.Error.WriteLine($"supervisor-oci: {e.Message}"));
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var container = Container.Create(
            host, new ContainerRequest(bundle, spec, [], StdioTargets.Inherited, $"/{id}") { OwnsBundle = false }, deadline.Token);
        try
        {
            var exit = new TaskCompletionSource<ExitStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
            container.Watch(status => exit.TrySetResult(status), () => { });
            if (pidFile is not null) File.WriteAllText(pidFile, $"{container.Pid}");
            using var term = Forward(PosixSignal.SIGTERM, Signal.SIGTERM, container);
            using var interrupt = Forward(PosixSignal.SIGINT, Signal.SIGINT, container);
            using var hangUp = Forward(PosixSignal.SIGHUP, Signal.SIGHUP, container);
            container.Start(deadline.Token);
            return exit.Task.GetAwaiter().GetResult()?.Code ?? 255;
        }
        finally
        {
            container.End(EndTimeout);
        }
    }

    private static PosixSignalRegistration Forward(PosixSignal signal, Signal to, Container container) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        container.Signal((int)to);
    });

    private static (string Bundle, string? PidFile, string Id) Parse(string[] args)
    {
        string bundle = Environment.CurrentDirectory;
        string? pidFile = null, id = null;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "-b" or "--bundle" when i + 1 < args.Length: bundle = Path.GetFullPath(args[++i]); break;
                case "--pid-file" when i + 1 < args.Length: pidFile = Path.GetFullPath(args[++i]); break;
                case var flag when flag.StartsWith('-'): throw new UsageException($"run: \"{flag}\" is not a flag of this version, or lacks its value");
                case var name when id is null: id = name; break;
                case var extra: throw new UsageException($"run: \"{extra}\" is one argument too many");
            }
        }
        if (id is null) throw new UsageException("run: the container's id is missing");
        if (id.Contains('/', StringComparison.Ordinal) || id is "." or ".." || id.Length > 1024) throw new UsageException($"run: \"{id}\" cannot be a container's id");
        return (bundle, pidFile, id);
    }
}
