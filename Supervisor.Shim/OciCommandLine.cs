using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Shim.Oci;

namespace Supervisor.Shim;

/// <summary><c>supervisor-oci</c>: an OCI runtime's command line, with runc's verbs, flags, messages and exit codes.</summary>
internal static class OciCommandLine
{
    private static readonly Flag Help = Flag.Switch("help h", "show help");

    /// <summary>Created on demand, since a process needs only one.</summary>
    private static readonly (string Name, Func<Verb> Verb)[] Verbs =
    [
        ("create", () => CreateVerb.Verb), ("start", () => StartVerb.Verb), ("run", () => RunVerb.Verb),
        ("state", () => StateVerb.Verb),
        ("kill", () => KillVerb.Verb), ("delete", () => DeleteVerb.Verb), ("exec", () => ExecVerb.Verb),
        ("ps", () => PsVerb.Verb),
        ("list", () => ListVerb.Verb), ("pause", () => PauseVerb.Pause), ("resume", () => PauseVerb.Resume),
        ("update", () => UpdateVerb.Verb),
        ("events", () => EventsVerb.Verb), ("checkpoint", () => CheckpointVerb.Verb), ("restore", () => RestoreVerb.Verb),
        ("spec", () => SpecVerb.Verb), ("features", () => FeaturesVerb.Verb),
    ];

    /// <summary>The name that we were called by, e.g. a link's, runc: callers look for the name that they know.</summary>
    private static string Name { get; } = Path.GetFileName(Environment.GetCommandLineArgs()[0]);

    public static string Version => typeof(OciCommandLine).Assembly.GetName().Version!.ToString(3);

    public static int Run(string[] args)
    {
        Verb? verb = null;
        try
        {
            var global = Arguments.Parse(GlobalOptions.Flags, args, stopAtFirst: true);
            if (global.IsSet("version")) return ShowVersion();
            if (global.IsSet("help") || global.Rest is [] or ["help" or "h"]) return ShowHelp();
            if (global.Rest[0] is "help" or "h") return ShowHelp(Find(global.Rest[1]) ?? throw Unknown(global.Rest[1]));
            verb = Find(global.Rest[0]) ?? throw Unknown(global.Rest[0]);
            var options = GlobalOptions.From(global);
            var arguments = Arguments.Parse([.. verb.Flags, Help], [.. global.Rest.Skip(1)], verb.StopsAtFirst);
            if (arguments.IsSet("help")) return ShowHelp(verb);
            CheckCount(verb, arguments.Rest.Count);
            return verb.Run(new Invocation(options, arguments));
        }
        catch (UsageException e)
        {
            if (verb is not null) Streams.Write($"Incorrect Usage: {e.Message}\n\n{HelpOf(verb)}");
            Log.Fatal(e.Message);
            return 1;
        }
        catch (Exception e) when (
            e is OciException or IOException or ArgumentException or InvalidOperationException or TimeoutException
            or UnauthorizedAccessException or OperationCanceledException)
        {
            if (e is LaunchException { Place: { } place }) Log.Debug($"the launch failed at {place}");
            Log.Fatal((verb?.FailurePrefix ?? "") + Message(e));
            return verb?.FailureStatus ?? 1;
        }
    }

    /// <summary>The names of all verbs.</summary>
    internal static IEnumerable<string> Names => Verbs.Select(v => v.Name);

    internal static Verb? Find(string name) => Array.Find(Verbs, v => v.Name == name).Verb?.Invoke();

    private static UsageException Unknown(string name) => new($"No help topic for '{name}': \"{name}\" is not a command");

    private static void CheckCount(Verb verb, int count)
    {
        if (count >= verb.Least && count <= verb.Most) return;
        var what = verb.Least == verb.Most
            ? $"exactly {verb.Least}" : count < verb.Least ? $"a minimum of {verb.Least}" : $"a maximum of {verb.Most}";
        throw new UsageException($"\"{verb.Name}\" requires {what} argument(s)");
    }

    private static string Message(Exception e) => e switch
    {
        InvalidSpecException invalid => $"invalid configuration: {invalid.Message}",
        // a limit whose controller is missing
        CgroupException { Value: null, Errno: Errno.ENOENT } missing => $"invalid configuration: {missing.Message}",
        LaunchException launch => $"unable to start container process: {launch.Message}",
        OperationCanceledException => "deadline exceeded; everything was removed again",
        _ => OciException.Wording(e),
    };

    private static int ShowVersion()
    {
        (string Name, bool Has)[] features =
        [
            ("SECCOMP", RuntimeFeatures.Seccomp), ("APPARMOR", RuntimeFeatures.AppArmor), ("SELINUX", RuntimeFeatures.SELinux),
            ("SYSTEMD", false), ("CAP", true),
        ];
        var words = string.Join(' ', features.Select(f => (f.Has ? "+" : "-") + f.Name));
        Streams.Write($"{Name} version {Version}\ncommit: {Commit}\nspec: {DefaultSpec.Version}\n{words}\n");
        return 0;
    }

    private static string Commit =>
        typeof(OciCommandLine).Assembly.GetCustomAttributes(
        typeof(System.Reflection.AssemblyInformationalVersionAttribute), false)
        is [System.Reflection.AssemblyInformationalVersionAttribute { InformationalVersion: var version }] ? version : Version;

    private static int ShowHelp()
    {
        var text = new StringBuilder(
            $"NAME:\n   {Name} - Open Container Initiative runtime\n\nUSAGE:\n   {Name} [global options] command [command "
            + "options] [arguments...]\n\nCOMMANDS:\n");
        foreach (var (name, verb) in Verbs) text.Append($"   {name,-12} {verb().Help}\n");
        Append(text.Append("\nGLOBAL OPTIONS:\n"), GlobalOptions.Flags);
        Streams.Write(text.ToString());
        return 0;
    }

    private static int ShowHelp(Verb verb)
    {
        Streams.Write(HelpOf(verb));
        return 0;
    }

    private static string HelpOf(Verb verb)
    {
        var text = new StringBuilder(
            $"NAME:\n   {Name} {verb.Name} - {verb.Help}\n\nUSAGE:\n   {Name} {verb.Name} [command options] "
            + $"{verb.Synopsis}\n\nOPTIONS:\n");
        Append(text, [.. verb.Flags, Help]);
        return text.ToString();
    }

    private static void Append(StringBuilder text, IReadOnlyList<Flag> flags)
    {
        var width = flags.Max(f => f.Shown.Length) + 2;
        foreach (var flag in flags) text.Append("   ").Append(flag.Shown.PadRight(width)).Append(flag.Help).Append('\n');
    }
}

/// <summary>The command line is invalid.</summary>
internal sealed class UsageException(string message) : Exception(message);
