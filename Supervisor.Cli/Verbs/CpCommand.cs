using System.CommandLine;
using System.Runtime.InteropServices;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Copying;
using Supervisor.Cli.Errors;
using Supervisor.Kernel.Processes;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor cp</c>: copies files between a container and here.</summary>
internal static class CpCommand
{
    public static Command Create()
    {
        var archive = new Option<bool>("--archive", "-a")
        {
            Description = "Keep owners, set-id bits, capabilities and devices",
        };
        var follow = new Option<bool>("--follow-link", "-L") { Description = "Copy what a symbolic link at SOURCE leads to" };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Do not report the copy at a terminal" };
        var source = new Argument<string>("source") { Description = "CONTAINER:PATH, a path, or - for a tar on standard input" };
        var destination = new Argument<string>("destination")
        {
            Description = "CONTAINER:PATH, a path, or - for a tar on standard output",
        };
        var command = new Command("cp", "Copies files between a container, running or not, and here")
        {
            archive, follow, quiet, source, destination,
        };
        command.Does(async (parse, client, cancel) =>
        {
            var from = CopyPath.Parse(parse.GetRequiredValue(source));
            var to = CopyPath.Parse(parse.GetRequiredValue(destination));
            var (keeps, follows) = (parse.GetValue(archive), parse.GetValue(follow));
            return await UntilSignalledAsync(async ends =>
            {
                if (await CopyAsync(client, from, to, keeps, follows, ends) is not { } size) return;
                if (!parse.GetValue(quiet) && !Console.IsErrorRedirected)
                    await Console.Error.WriteLineAsync(
                        $"Successfully copied {DecimalSize.Of(size)} to {parse.GetRequiredValue(destination)}");
            }, cancel);
        });
        return command;
    }

    private static async Task<long?> CopyAsync(
        DaemonClient client, CopyPath from, CopyPath to, bool archive, bool follow, CancellationToken cancel)
    {
        switch (from.Container, to.Container)
        {
            case (null, null):
                throw new CliException("neither path is in a container: name it, as in \"cp CONTAINER:/PATH DESTINATION\"");
            case (not null, not null):
                throw new CliException(
                    $"both paths are in containers: \"cp {from.Container}:{from.Path} - | supervisor cp - "
                        + $"{to.Container}:DIRECTORY\" copies between them");
            case (not null, null) when to.IsStream:
                await CopyOut.ToOutputAsync(client, from, follow, cancel);
                return null;
            case (not null, null):
                return await CopyOut.ToFilesAsync(client, from, to, archive, follow, cancel);
            default:
                return from.IsStream ? await CopyIn.FromInputAsync(client, to, cancel)
                    : await CopyIn.FromFilesAsync(client, from, to, archive, follow, cancel);
        }
    }

    /// <summary>A signal ends the copy, and what was half made is removed.</summary>
    private static async Task<int> UntilSignalledAsync(Func<CancellationToken, Task> copy, CancellationToken cancel)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var signal = 0;
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, c => End(c, (int)Signal.SIGINT));
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, c => End(c, (int)Signal.SIGTERM));
        try
        {
            await copy(ends.Token);
            return 0;
        }
        catch (Exception e) when (signal != 0 && e is not CliException)
        {
            return ExitCodes.OfSignal(signal);
        }

        void End(PosixSignalContext context, int number)
        {
            context.Cancel = true;
            signal = number;
            ends.Cancel();
        }
    }
}
