using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>
/// A <see cref="LifeWorker"/>: containers of the runtime library without a daemon, as children of this process or of a shim.
/// </summary>
internal static class RuntimeWorker
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <param name="state">The directory in which the containers' bundles are made, and the shim's socket.</param>
    /// <param name="shim">The shim's executable; null for none.</param>
    public static void Run(string bundle, string state, string cgroup, string? shim)
    {
        var spec = File.ReadAllText(Path.Combine(bundle, "config.json"))
            .Replace("ARGS", "\"/bin/busybox\", \"true\"", StringComparison.Ordinal);
        var host = new ContainerHost(e => Console.Error.WriteLine(e.Message));
        using var runtime = Runtime(host, Path.Combine(state, "shim"), shim);
        var names = new ConcurrentStack<int>(Enumerable.Range(0, 64));
        while (Console.ReadLine() is { } line)
        {
            var numbers = line.Split(' ');
            var (inFlight, lives) = (Number(numbers[0]), Number(numbers[1]));
            var began = Stopwatch.GetTimestamp();
            if (inFlight == 1)
            {
                for (var i = 0; i < lives; i++) Live();
            }
            else
            {
                var left = lives;
                var threads = Enumerable.Range(0, inFlight).Select(_ => new Thread(() =>
                {
                    while (Interlocked.Decrement(ref left) >= 0) Live();
                })).ToList();
                threads.ForEach(t => t.Start());
                threads.ForEach(t => t.Join());
            }
            Console.WriteLine(Stopwatch.GetElapsedTime(began).TotalMilliseconds.ToString("0.0000", CultureInfo.InvariantCulture));
        }

        void Live()
        {
            names.TryPop(out var number);
            var id = $"life-{number}";
            var own = $"/{cgroup}/{id}";
            using var deadline = new CancellationTokenSource(Patience);
            using var container = runtime.Create($"bench/{id}", new ContainerRequest(
                Path.Combine(state, id), Encoding.UTF8.GetBytes(spec.Replace("CGROUP", own, StringComparison.Ordinal)), [],
                StdioTargets.None, own), deadline.Token);
            using var exited = new ManualResetEventSlim();
            container.Watch(_ => exited.Set(), () => { });
            container.Start(deadline.Token);
            exited.Wait(deadline.Token);
            container.Collected();
            container.End(Patience);
            names.Push(number);
        }
    }

    private static IContainerRuntime Runtime(ContainerHost host, string directory, string? shim)
    {
        if (shim is null) return new EmbeddedRuntime(host);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new ShimRuntime(host, new ShimOptions(directory, shim, Console.Error.WriteLine, OwnsProcess: true));
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
