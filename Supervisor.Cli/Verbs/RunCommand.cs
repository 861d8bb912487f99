using System.CommandLine;
using System.Security.Cryptography;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Running;
using Supervisor.Cli.Stdio;
using Supervisor.Kernel;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor run</c>: creates and starts a container, in the foreground unless <c>-d</c> is given.</summary>
internal static class RunCommand
{
    private static readonly Option<string> Rootfs = new("--rootfs")
    {
        Description = "Root filesystem; / is a read-only view of this host's own",
        HelpName = "DIR",
        Required = true,
    };

    private static readonly Option<bool> Detach = new("--detach", "-d") {
        Description = "Run in the background, output to a log file" };
    private static readonly Option<bool> Terminal = new("--tty", "-t") { Description = "Give it a terminal" };
    private static readonly Option<bool> Interactive = new("--interactive", "-i") {
        Description = "Keep stdin open, for attach to write to; in the foreground this is always done" };
    private static readonly Option<string?> Detaching = TerminalOptions.DetachKeys();
    private static readonly Option<bool> Remove = new("--rm") { Description = "Remove the container when it exits" };
    private static readonly Option<bool> Init = new("--init") {
        Description = "Run the program under an init that forwards signals and reaps zombies" };
    private static readonly Option<string?> Name = new("--name") {
        Description = "Id of the container (default: a random one)", HelpName = "ID" };
    private static readonly Option<string?> Memory = new("--memory", "-m") {
        Description = "Memory limit, e.g. 64m or 1.5g; 0 for none", HelpName = "SIZE" };
    private static readonly Option<long?> Pids = new("--pids-limit") { Description = "Limit of processes", HelpName = "N" };

    private static readonly Option<string?> LogMaxSize = new("--log-max-size")
    {
        Description = "Rotate the container's log at this size, e.g. 10MiB, or off (default: as the daemon is configured)",
        HelpName = "SIZE|off",
    };

    private static readonly Option<int?> LogMaxFiles = new("--log-max-files") {
        Description = "Most log files, with the current one", HelpName = "N" };

    private static readonly Option<string[]> Env = new("--env", "-e")
    {
        Description = "NAME=value, or NAME to pass the caller's",
        HelpName = "NAME[=value]",
    };

    private static readonly Option<string> Cwd = new("--workdir", "-w")
    {
        Description = "Working directory",
        HelpName = "DIR",
        DefaultValueFactory = _ => "/",
    };

    private static readonly Option<string?> User = new("--user", "-u") {
        Description = "User to run as", HelpName = "USER[:GROUP]" };
    private static readonly Option<string?> Hostname = new("--hostname", "-h") {
        Description = "Host name (default: the id)", HelpName = "NAME" };
    private static readonly Option<bool> ReadOnly = new("--read-only") { Description = "Root filesystem read-only" };

    private static readonly Option<string> Net = new("--net", "--network")
    {
        Description = "host: share the host's network; none: only a loopback",
        HelpName = "host|none",
        DefaultValueFactory = _ => "none",
    };

    private static readonly Option<string[]> Security = new("--security-opt")
    {
        Description = "seccomp=FILE: a seccomp profile in place of the default one; seccomp=unconfined: none",
        HelpName = "NAME=VALUE",
    };

    private static readonly TraceOptions Trace = new();

    // All words after the first one that is not an option of ours belong to the program.
    private static readonly Argument<string[]> Program = new("command")
    {
        Description = "Program and its arguments",
        Arity = ArgumentArity.OneOrMore,
        CaptureRemainingTokens = true,
    };

    public static Command Create()
    {
        Net.OnlyOf("is not supported, a container has no network of its own", ["host", "none"]);
        var command = new Command("run", "Creates and starts a container")
        {
            Rootfs, Detach, Terminal, Interactive, Detaching, Remove, Init, Name, Memory, Pids, Env, Cwd, User, Hostname,
            ReadOnly, Net, LogMaxSize, LogMaxFiles, Security, Trace.Switch, Trace.File, Program,
        };
        command.Does(RunAsync);
        return command;
    }

    /// <summary><c>create</c>: the container alone; <c>start</c> runs it, as <c>run -d</c> would have.</summary>
    public static Command CreateWithoutStart()
    {
        var command = new Command("create", "Creates a container, which start runs")
        {
            Rootfs, Terminal, Interactive, Init, Name, Memory, Pids, Env, Cwd, User, Hostname, ReadOnly, Net, Security, Program,
        };
        command.Does(async (parse, client, cancel) =>
        {
            var options = Read(parse) with { Detach = true };
            using var signals = new ForegroundSignals();
            await new ContainerRun(client, options, signals, keepsLog: true).CreateAsync(cancel);
            await Console.Out.WriteLineAsync(options.Id);
            return 0;
        });
        return command;
    }

    /// <summary>What the command line asks for.</summary>
    /// <exception cref="CliException">An option's value is invalid.</exception>
    internal static RunOptions Read(ParseResult parse)
    {
        var rootfs = Path.GetFullPath(parse.GetRequiredValue(Rootfs));
        if (!Directory.Exists(rootfs)) throw new CliException($"--rootfs: {rootfs}: no such directory");
        if (parse.GetValue(Detaching) is not null && (parse.GetValue(Detach) || !parse.GetValue(Terminal)))
            throw new CliException("--detach-keys: needs a terminal in the foreground (-t)");
        var program = parse.GetRequiredValue(Program);
        if (program[0].StartsWith('-') && !ProgramWords.FollowsDoubleDash(parse, program.Length))
            throw new CliException(
                $"{DockerOptions.NoSuch(program[0], parse.CommandResult)} A program of that name goes after --");
        if (parse.GetValue(Pids) is <= 0) throw new CliException("--pids-limit: must be at least 1");
        return new RunOptions(
            parse.GetValue(Name) ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6)),
            rootfs,
            parse.GetValue(Detach),
            parse.GetValue(Terminal),
            parse.GetValue(Remove),
            parse.GetValue(User),
            parse.GetValue(Hostname),
            parse.GetRequiredValue(Cwd),
            parse.GetValue(ReadOnly),
            parse.GetValue(Net) == "host",
            parse.GetValue(Memory) is { } size and not "0" // docker's word for no limit
                ? ByteSize.TryParse(size)
                    ?? throw new CliException($"--memory: \"{size}\" is not a size: a number with b, k, m, g or t, e.g. 64m")
                : null,
            parse.GetValue(Pids),
            [.. (parse.GetValue(Env) ?? []).SelectMany(Expand)],
            program)
        {
            Init = parse.GetValue(Init),
            Interactive = parse.GetValue(Interactive),
            Trace = Trace.Read(parse),
            Seccomp = SecurityOptions.Seccomp(parse.GetValue(Security) ?? []),
            DetachKeys = parse.GetValue(Detaching) is { } keys ? DetachKeys.Parse(keys) : null,
            LogMaxSize = LogSize(parse),
            LogMaxFiles = parse.GetValue(LogMaxFiles) is not { } files || files is >= 1 and <= LogTarget.MostFiles
                ? parse.GetValue(LogMaxFiles)
                : throw new CliException($"--log-max-files: {files} is not a number from 1 to {LogTarget.MostFiles}"),
        };
    }

    /// <summary>The error for <c>-h</c> without a name, most often from a user who wants help.</summary>
    internal static string? MissingHostname(ParseResult parse) =>
        parse.GetResult(Hostname) is { Implicit: false, Tokens: [], IdentifierToken.Value: "-h" }
            ? "-h: NAME is missing after it: it is --hostname, as with docker." : null;

    /// <summary>The error for a line without <c>--rootfs</c>, most often one that names an image.</summary>
    internal static string? MissingRootfs(ParseResult parse)
    {
        if (parse.GetResult(Rootfs) is { Implicit: false }) return null;
        var first = parse.GetResult(Program) is { Tokens: [var word, ..] } ? word.Value : null;
        return "--rootfs: must name the container's root file system, a directory, or / for a read-only view of this host's"
            + (first is null ? "." : $"; \"{first}\" is no image here: \"ctr -a SOCKET run {first} CONTAINER\" runs one that "
                + "\"pull\" has fetched.");
    }

    private static long? LogSize(ParseResult parse)
    {
        if (parse.GetValue(LogMaxSize) is not { } size) return null;
        if (size == "off") return 0;
        return ByteSize.TryParse(size) is >= LogTarget.LeastSize and var bytes
            ? bytes
            : throw new CliException(
                $"--log-max-size: \"{size}\" is not a size (b, k, m, g or t) of at least {LogTarget.LeastSize} bytes");
    }

    private static async Task<int> RunAsync(ParseResult parse, CancellationToken cancel)
    {
        var options = Read(parse);
        if (options is { Terminal: true, Detach: false } && parse.GetValue(Interactive))
            InputDevice.RequireTerminal("leave out -t, or -i");
        using var signals = new ForegroundSignals();
        try
        {
            await using var embedded = await EmbedIfNoDaemonAsync(parse, options, signals.Interrupted);
            if (embedded is not null) options = options with { Remove = true };
            using var client = new DaemonClient(
                embedded?.Address ?? GlobalOptions.AddressOf(parse),
                parse.GetRequiredValue(GlobalOptions.Namespace)) { Exit = embedded is null ? null : embedded.Exit };
            return await new ContainerRun(client, options, signals, keepsLog: embedded is null).RunAsync();
        }
        catch (Exception e) when (signals.Interruption != 0 && e is (OperationCanceledException or RpcException or CliException))
        {
            throw new CliException(
                $"interrupted before the container ran: {e.Message}", ExitCodes.OfSignal(signals.Interruption));
        }
    }

    /// <summary>Null if a daemon is to be used: one was named, or one answers at the default address.</summary>
    private static async Task<EmbeddedDaemon?> EmbedIfNoDaemonAsync(
        ParseResult parse, RunOptions options, CancellationToken cancel)
    {
        var named = GlobalOptions.NamedAddress(parse);
        if (DaemonClient.Answers(GlobalOptions.AddressOf(parse))) return null;
        if (named is not null)
            throw new CliException($"no daemon answers at {named}: start one with \"supervisor serve --address {named}\"");
        if (options.Detach) throw new CliException(
            "no daemon is running to keep a detached container: start one with \"supervisor serve\"");
        if (options.DetachKeys is not null)
            throw new CliException(
            "--detach-keys: no daemon is running to keep the container: start one with \"supervisor serve\"");
        return await EmbeddedDaemon.StartAsync(cancel);
    }

    /// <summary>A name alone passes our own variable, if it is set.</summary>
    internal static IEnumerable<string> Expand(string entry)
    {
        if (entry.Length == 0 || entry.StartsWith('=')) throw new CliException($"--env: \"{entry}\" has no name");
        if (entry.Contains('=', StringComparison.Ordinal)) return [entry];
        return Environment.GetEnvironmentVariable(entry) is { } value ? [$"{entry}={value}"] : [];
    }
}
