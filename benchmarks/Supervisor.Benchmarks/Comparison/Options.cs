using System.Globalization;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>An argument of the command line is invalid.</summary>
internal sealed class InvalidOptionException(string message) : Exception(message);

/// <summary>The command line of a comparison. The script benchmarks/run adds those that say where.</summary>
internal sealed class Options
{
    private const int MostSeconds = 600, MostRounds = 10_000;

    public bool IsQuick { get; private set; }
    public bool IsFull { get; private set; }
    public string? Output { get; private set; }
    public string Document { get; private set; } = "";
    public string Commit { get; private set; } = "";
    public List<string> Words { get; } = [];
    private List<string> Builds { get; } = [];
    private int? Rounds { get; set; }
    private int? Seconds { get; set; }
    private string Bin { get; set; } = "";
    private string? Floor { get; set; }
    private string Root { get; set; } = "";
    private string State { get; set; } = "";
    private string Cgroup { get; set; } = "";

    /// <summary>As the user wrote them.</summary>
    public string Arguments { get; private set; } = "";

    /// <summary>The whole run ends by then.</summary>
    public TimeSpan Deadline => IsFull ? TimeSpan.FromMinutes(90) : TimeSpan.FromMinutes(20);

    /// <summary>The document's part is complete only with all sections and without other builds of ours.</summary>
    public string? File => Output ?? (Words.Count == 0 && Builds.Count == 0 ? Document : null);

    /// <exception cref="InvalidOptionException">Names the argument.</exception>
    public static Options Parse(IReadOnlyList<string> arguments)
    {
        var options = new Options();
        var own = new List<string>();
        for (var i = 0; i < arguments.Count; i++)
        {
            var (argument, first) = (arguments[i], i);
            string Value() => ++i < arguments.Count
                ? arguments[i] : throw new InvalidOptionException($"{argument}: needs a value after it");
            int Number(int most) => int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number >= 1 && number <= most
                ? number : throw new InvalidOptionException($"{argument}: \"{arguments[i]}\" is not a number from 1 to {most}");
            var isInner = true;
            switch (argument)
            {
                case "--bin": options.Bin = Value(); break;
                case "--floor": options.Floor = Value(); break;
                case "--root": options.Root = Value(); break;
                case "--state": options.State = Value(); break;
                case "--cgroup": options.Cgroup = Value(); break;
                case "--document": options.Document = Value(); break;
                case "--commit": options.Commit = Value(); break;
                default: isInner = false; break;
            }
            if (isInner) continue;
            switch (argument)
            {
                case "--quick": options.IsQuick = true; break;
                case "--full": options.IsFull = true; break;
                case "--seconds": options.Seconds = Number(MostSeconds); break;
                case "--rounds": options.Rounds = Number(MostRounds); break;
                case "--output": options.Output = Value(); break;
                case ['-', ..]: throw new InvalidOptionException($"\"{argument}\": unknown option");
                case var build when build.Contains('/', StringComparison.Ordinal): options.Builds.Add(Build(build)); break;
                default: options.Words.Add(argument); break;
            }
            own.AddRange(arguments.Skip(first).Take(i - first + 1));
        }
        if (options is { IsQuick: true, IsFull: true }) throw new InvalidOptionException("--quick and --full exclude each other");
        options.Arguments = string.Join(' ', own);
        return options;
    }

    public Run ToRun() => new(Bin, Builds, Floor, Root, State, Cgroup, Rounds ?? (IsQuick ? 10 : IsFull ? 500 : 100),
        Seconds ?? (IsQuick ? 1 : IsFull ? 60 : 5), IsQuick);

    private static string Build(string directory) => System.IO.File.Exists(Path.Combine(directory, "supervisor"))
        ? Path.GetFullPath(directory)
        : throw new InvalidOptionException($"\"{directory}\": has no supervisor in it; name a build's out/bin");
}
