using System.Globalization;
using Supervisor.Benchmarks;

// Supervisor.Benchmarks [WORD] [--directory DIR] Prints "name value unit" for every benchmark whose name contains WORD. Journals
// are written to DIR, which should be on a disk: a durable write to a tmpfs costs nothing.
// Supervisor.Benchmarks lifecycle BUNDLE ROUNDS SOCKET... measures the lifecycle of a container on the daemons at these sockets,
// lives BUNDLE IN_FLIGHT SECONDS SOCKET... how many of them are done in a second,
// kills BUNDLE COUNT SOCKET... the time from a kill to its event with COUNT containers alive: LifecycleBenchmark.
// Supervisor.Benchmarks floor SOCKET serves what gRPC alone can do for that: FloorServer.
if (args is ["lifecycle", var bundle, var rounds, .. var sockets])
{
    await LifecycleBenchmark.RunAsync(bundle, int.Parse(rounds, CultureInfo.InvariantCulture), sockets);
    return;
}
if (args is ["floor", var floorSocket])
{
    await FloorServer.RunAsync(floorSocket, CancellationToken.None);
    return;
}
if (args is ["lives", var livingBundle, var inFlight, var seconds, .. var livingSockets])
{
    await LifecycleBenchmark.RunLivesAsync(livingBundle, int.Parse(inFlight, CultureInfo.InvariantCulture),
        int.Parse(seconds, CultureInfo.InvariantCulture), livingSockets);
    return;
}
if (args is ["kills", var runningBundle, var count, .. var runningSockets])
{
    await LifecycleBenchmark.RunKillsAsync(runningBundle, int.Parse(count, CultureInfo.InvariantCulture), runningSockets);
    return;
}

var word = "";
var directory = Path.GetTempPath();
for (var i = 0; i < args.Length; i++)
{
    if (args[i] == "--directory" && i + 1 < args.Length) directory = args[++i];
    else word = args[i];
}

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
IEnumerable<Benchmark> all = [.. ActorBenchmarks.All, .. JournalBenchmarks.All(directory), .. GrpcBenchmarks.All];
foreach (var benchmark in all.Where(b => b.Name.Contains(word, StringComparison.Ordinal)))
    Console.WriteLine($"{benchmark.Name} {await benchmark.Median():0.##} {benchmark.Unit}");
