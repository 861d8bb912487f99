using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Oci;
using Supervisor.Shim;
using Supervisor.Shim.Oci;
using Supervisor.Storage.Content;
using static Supervisor.Tests.Fuzz.FuzzTargets;
using GlobalOptions = Supervisor.Shim.Oci.GlobalOptions;
using Verb = Supervisor.Shim.Oci.Verb;

namespace Supervisor.Tests.Fuzz;

/// <summary>supervisor-oci's command line, parsed up to the point of action, and the formats of its arguments.</summary>
internal static class CommandTargets
{
    private static readonly Verb[] Verbs = [.. OciCommandLine.Names.Select(n => OciCommandLine.Find(n)!)];

    private static readonly string[] Words =
    [
        "c1", "c-1.2+3", "../c", ".c", "1000", "1000:1001", "root", ":", "1:2:3", "A=b", "=", "KILL", "SIGTERM", "RTMIN+3",
        "RTMAX-1", "KILL,TERM", "64M", "1.5g", "-1", "10GiB",
        "500ms", "1h2m", "1e3s", "9999999999999h", "CAP_KILL", "CAP_X", "memory:/a", "/a", "../up", "json", "table", "true",
        "false", "t", "sh", "-c", "{}", "0-1",
    ];

    public static IEnumerable<FuzzTarget> All =>
    [
        new("command-line", 110, CommandLine, ReadCommandLine),
        new("words", 30, random => Encoding.UTF8.GetBytes(Word(random)), ReadWord),
    ];

    private static byte[] CommandLine(Random random)
    {
        var words = new List<string>();
        Flags(GlobalOptions.Flags);
        var verb = Mutation.Pick(random, Verbs);
        words.Add(random.Next(20) == 0 ? Word(random) : verb.Name);
        Flags(verb.Flags);
        for (var n = random.Next(1, 4); n > 0; n--) words.Add(Word(random));
        if (random.Next(4) == 0) words.Insert(random.Next(words.Count + 1), random.Next(2) == 0 ? "--" : Word(random));
        return Encoding.UTF8.GetBytes(string.Join('\0', words.Select(w => w.Replace('\0', '?')))); // an argument has no NUL

        void Flags(IReadOnlyList<Flag> known)
        {
            for (var n = known.Count == 0 ? 0 : random.Next(4); n > 0; n--)
            {
                var name = random.Next(20) == 0
                    ? Word(random) : Mutation.Pick(random, Mutation.Pick(random, known).Names.Split(' '));
                var dashes = random.Next(2) == 0 ? "-" : "--";
                if (random.Next(3) == 0) words.Add($"{dashes}{name}={Word(random)}");
                else words.Add(dashes + name);
                if (random.Next(2) == 0) words.Add(Word(random));
            }
        }
    }

    private static string Word(Random random)
    {
        var word = random.Next(4) == 0 ? Mutation.Pick(random, Mutation.Odd) : Mutation.Pick(random, Words);
        return random.Next(4) switch
        {
            0 => word + Mutation.Pick(random, Words),
            1 when word.Length > 1 => word[random.Next(word.Length)..],
            _ => word,
        };
    }

    private static bool ReadCommandLine(byte[] line)
    {
        try
        {
            var global = Arguments.Parse(GlobalOptions.Flags, Encoding.UTF8.GetString(line).Split('\0'), stopAtFirst: true);
            if (global.Rest.Count == 0 || OciCommandLine.Find(global.Rest[0]) is not { } verb) return false;
            var arguments = Arguments.Parse(verb.Flags, [.. global.Rest.Skip(1)], verb.StopsAtFirst);
            foreach (var flag in verb.Flags)
                Holds(flag.Kind is FlagKind.Switch
                    || (arguments.Text(flag.Name) is null) == (arguments.List(flag.Name).Count == 0),
                    "a value that is there and is not");
            if (arguments.Rest.Count < verb.Least || arguments.Rest.Count > verb.Most) return false;
            switch (verb.Name)
            {
                case "exec" when !arguments.Has("process"):
                    var user = ExecProcessSpec.From(
                        arguments, new Spec {
                        Process = new ProcessSpec { Cwd = "/", User = new UserSpec { Uid = 7, Gid = 8 } } }).User;
                    Holds(!arguments.Has("user") || arguments.Text("user") is { Length: 0 }
                        || arguments.Text("user")!.Split(':')[0].TrimStart('0') is var said
                        && said == (user.Uid == 0 ? "" : $"{user.Uid}"),
                        "another user than the given one");
                    break;
                case "update" when !arguments.Has("resources"): SpecValidator.Validate(UpdateVerb.From(arguments)); break;
                case "events": Holds(
                    EventsVerb.Interval(arguments.Text("interval") ?? "5s") > TimeSpan.Zero, "an interval of nothing"); break;
                case "kill": return SignalNames.TryParse(arguments.Rest[^1]) is not null;
                case "create" or "run": new StateStore("/nowhere").DirectoryOf(arguments.Rest[0]); break;
            }
            return true;
        }
        catch (Exception e) when (e is UsageException or OciException or InvalidSpecException)
        {
            Holds(e.Message.Length > 5, "a refusal that says nothing");
            return false;
        }
    }

    private static bool ReadWord(byte[] bytes)
    {
        var word = Encoding.UTF8.GetString(bytes);
        var signal = SignalNames.TryParse(word);
        Holds(signal is null or (>= 0 and <= SignalNames.Highest), "a signal that is none");
        Holds(signal is null || !word.Contains(','), "two signals in one");
        var size = ByteSize.TryParse(word);
        Holds(size is null or > 0, "a size below nothing");
        Digest.TryParse(word);
        var any = signal is not null || size is not null;
        Try(() => Holds(ByteCount.Parse(word, "memory") >= -1, "bytes below nothing"));
        Try(() => Holds(EventsVerb.Interval(word) > TimeSpan.Zero, "an interval of nothing"));
        Try(() =>
        {
            var directory = new StateStore("/nowhere").DirectoryOf(word);
            Holds(Path.GetFullPath(directory) == directory
                && Path.GetDirectoryName(directory) == "/nowhere", "an id that leads elsewhere");
        });
        return any;

        void Try(Action action)
        {
            try
            {
                action();
                any = true;
            }
            catch (Exception e) when (e is OciException or UsageException)
            {
                Holds(e.Message.Length > 5, "a refusal that says nothing");
            }
        }
    }
}
