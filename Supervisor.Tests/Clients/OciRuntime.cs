using System.Text.Json.Nodes;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.Clients;

/// <summary>
/// supervisor-oci with a state root, a bundle and a root file system of its own. Disposing deletes the test's containers.
/// </summary>
internal sealed class OciRuntime : IDisposable
{
    private static int _last;
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("supervisor-oci-");
    private readonly int? _user;

    /// <param name="user">An unprivileged user of the host that owns everything and runs it; null for ourselves.</param>
    public OciRuntime(int? user = null)
    {
        _user = user;
        Directory.CreateDirectory(Root);
        Directory.CreateDirectory(Rootfs);
        foreach (var directory in (string[])["bin", "proc", "sys", "dev", "tmp", "run", "etc", "mnt", "vol"])
            Directory.CreateDirectory(Path.Join(Rootfs, directory));
        ProgramCopy.OfBusybox(Path.Join(Rootfs, "bin", "busybox"));
        foreach (var applet in (string[])
            ["sh", "echo", "cat", "true", "false", "sleep", "tail", "tty", "stty", "pwd", "id", "env", "touch", "grep", "kill",
                "ps", "readlink", "dd", "tr", "test"])
            File.CreateSymbolicLink(Path.Join(Rootfs, "bin", applet), "busybox");
    }

    public static string Executable => Path.Join(Repository.Bin, "supervisor-oci");

    public string Place => _place.FullName;

    public string Bundle => Path.Join(Place, "bundle");

    public string Rootfs => Path.Join(Bundle, "rootfs");

    public string Root => Path.Join(Place, "root");

    /// <summary>An id, and so a cgroup, that no other test uses.</summary>
    public static string NewId() => $"oci-test-{Environment.ProcessId}-{Interlocked.Increment(ref _last)}";

    /// <summary>Writes the bundle's config.json: that of <c>spec</c> without a terminal, with this command.</summary>
    public async Task Configure(string[] command, Action<JsonNode>? change = null)
    {
        var file = Path.Join(Bundle, "config.json");
        File.Delete(file);
        if (_user is { } user) await ChownTo(user);
        Ok(await Run([.. Program, "spec", "--bundle", Bundle, .. _user is null ? (string[])[] : ["--rootless"]]));
        var config = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
        config["process"]!["terminal"] = false;
        config["process"]!["args"] = new JsonArray([.. command.Select(c => (JsonNode)c)]);
        change?.Invoke(config);
        await File.WriteAllTextAsync(file, config.ToJsonString());
    }

    /// <summary>Runs it with our root and bundle.</summary>
    public Task<CommandLine.Outcome> Do(string verb, params string[] arguments) =>
        Run([.. Program, "--root", Root, verb, .. OfBundle(verb), .. arguments]);

    /// <summary>
    /// As <see cref="Do"/> for verbs that leave a process behind which keeps our streams: their output goes to a file.
    /// </summary>
    public async Task<CommandLine.Outcome> Leave(string verb, params string[] arguments)
    {
        var log = Path.Join(Place, "log");
        var outcome = await CommandLine.RunAsync("sh",
            ["-c", "log=$1; shift; exec \"$@\" </dev/null >>\"$log\" 2>&1", "sh", log, .. Program, "--root", Root, verb,
                .. OfBundle(verb), .. arguments]);
        return outcome with { Output = await File.ReadAllTextAsync(log) };
    }

    /// <summary>The output of processes that <see cref="Leave"/> left behind, once it ends with this text.</summary>
    public async Task<string> Printed(string end)
    {
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        while (true)
        {
            var text = await File.ReadAllTextAsync(Path.Join(Place, "log"), deadline.Token);
            if (text.EndsWith(end, StringComparison.Ordinal)) return text;
            await Task.Delay(20, deadline.Token);
        }
    }

    /// <summary>In a terminal of 33 rows and 77 columns.</summary>
    public Task<CommandLine.Outcome> InTerminal(string verb, params string[] arguments) => CommandLine.RunAsync(
        "script", "-qec", $"stty rows 33 cols 77; {Executable} --root {Root} {verb} {string.Join(' ', OfBundle(verb))} "
            + $"{string.Join(' ', arguments)}", "/dev/null");

    public async Task<string> StatusOf(string id) => JsonNode.Parse(Ok(await Do("state", id)))!["status"]!.GetValue<string>();

    /// <summary>Waits until the container has this status.</summary>
    public async Task Await(string id, string status)
    {
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        while (await StatusOf(id) != status) deadline.Token.ThrowIfCancellationRequested();
    }

    public static void Fails(CommandLine.Outcome outcome, int status, string words)
    {
        var all = outcome.Output + outcome.Errors;
        Assert.True(all.Contains(words, StringComparison.Ordinal)
            && status == outcome.Status, $"exit {outcome.Status}, not {status}; \"{words}\" is wanted in: {all}");
    }

    public void Dispose()
    {
        foreach (var directory in Directory.EnumerateDirectories(Root))
            CommandLine.RunAsync(Executable, "--root", Root, "delete", "--force", Path.GetFileName(directory)).GetAwaiter()
                .GetResult();
        // A client's cleanup in the background may still be writing there.
        for (var end = Environment.TickCount64 + (long)CommandLine.Patience.TotalMilliseconds; ; Thread.Sleep(50))
        {
            try
            {
                _place.Delete(recursive: true);
                return;
            }
            catch (IOException) when (Environment.TickCount64 < end)
            {
            }
        }
    }

    /// <summary>Gives everything to a user, with a copy of the executable, since the user may not reach ours.</summary>
    public async Task ChownTo(int user)
    {
        if (!File.Exists(Copy)) ProgramCopy.Make(Executable, Copy);
        Ok(await CommandLine.RunAsync("sh", "-c", $"chmod 755 {Place} && chown -R {user}:{user} {Place}"));
    }

    /// <summary>What <see cref="ChownTo"/> makes.</summary>
    public string Copy => Path.Join(Place, "supervisor-oci");

    /// <summary>The command line that runs it.</summary>
    private string[] Program =>
        _user is { } user ? ["setpriv", "--reuid", $"{user}", "--regid", $"{user}", "--clear-groups", Copy] : [Executable];

    private static Task<CommandLine.Outcome> Run(string[] command) => CommandLine.RunAsync(command[0], command[1..]);

    private string[] OfBundle(string verb) => verb is "create" or "run" ? ["--bundle", Bundle] : [];
}
