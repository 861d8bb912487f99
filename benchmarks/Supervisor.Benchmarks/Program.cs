using System.Globalization;
using Supervisor.Benchmarks;
using Supervisor.Benchmarks.Comparison;
using Supervisor.Benchmarks.Comparison.Sections;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
switch (args)
{
    // Everything beside the peers, in the namespaces that benchmarks/run makes for it: Options.
    case ["compare", .. var arguments]:
        return await Comparison.RunAsync(arguments);

    // The lifecycle of a container on the daemons at these sockets: LifecycleBenchmark.
    case ["lifecycle", var bundle, var rounds, .. var sockets]:
        await LifecycleBenchmark.RunAsync(bundle, Number(rounds), sockets);
        return 0;

    // How many of them are done in a second.
    case ["lives", var bundle, var inFlight, var seconds, .. var sockets]:
        await LifecycleBenchmark.RunLivesAsync(bundle, Number(inFlight), Number(seconds), sockets);
        return 0;

    // The time from a kill to its event with COUNT containers alive.
    case ["kills", var bundle, var count, .. var sockets]:
        await LifecycleBenchmark.RunKillsAsync(bundle, Number(count), sockets);
        return 0;

    // Serves what gRPC alone can do for these: FloorServer.
    case ["floor", var socket]:
        await FloorServer.RunAsync(socket, CancellationToken.None);
        return 0;

    // Parts of a comparison that are processes of their own.
    case ["runtime", var bundle, var state, var cgroup, .. var shim]:
        RuntimeWorker.Run(bundle, state, cgroup, shim.FirstOrDefault());
        return 0;
    case ["turns", var commands, var rounds]:
        await CommandTurns.PrintAsync(commands, Number(rounds));
        return 0;

    // [WORD] [--directory DIR] prints "name value unit" for every part whose name contains WORD. Journals are written to DIR,
    // which should be on a disk: a durable write to a tmpfs costs nothing.
    default:
        var (word, directory) = ("", Path.GetTempPath());
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--directory" && i + 1 < args.Length) directory = args[++i];
            else word = args[i];
        }
        foreach (var benchmark in PartsSection.All(directory).Where(b => b.Name.Contains(word, StringComparison.Ordinal)))
            Console.WriteLine($"{benchmark.Name} {await benchmark.Median():0.##} {benchmark.Unit}");
        return 0;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
