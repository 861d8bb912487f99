using Supervisor.Client.Errors;
using Supervisor.Client.Stdio;

namespace Supervisor.Client;

/// <summary>Starts a process with streams: they are open before it runs, and gone if it does not.</summary>
internal static class StdioStart
{
    /// <exception cref="ClientException">InvalidArgument: an input that nothing writes.</exception>
    public static void Check(bool withStdin, AttachStdio? attach)
    {
        if (withStdin && attach is null)
            throw new ClientException(ErrorCode.InvalidArgument, "withStdin: an input needs attachStdio, which writes it");
    }

    /// <param name="process">Not started yet.</param>
    /// <param name="start">Creates and starts the process with these FIFOs.</param>
    public static async Task RunAsync(
        TaskProcess process, bool withStdin, bool hasTerminal, AttachStdio? attach,
        Func<FifoPaths, CancellationToken, Task> start, CancellationToken cancel)
    {
        if (attach is null)
        {
            await start(FifoPaths.None, cancel);
            return;
        }
        using var fifos = ProcessFifos.Create(process.StdioDirectory, process.Id, withStdin, hasTerminal);
        process.Fifos = fifos.Paths;
        try
        {
            process.Stdio = ProcessFifos.Open(fifos.Paths, process.CloseInputAsync);
            await attach(process.Stdio, cancel);
            await start(fifos.Paths, cancel);
        }
        catch
        {
            await process.DisposeAsync();
            ProcessFifos.Remove(fifos.Paths, process.StdioDirectory);
            throw;
        }
    }

    /// <summary>Opens the streams of a process that runs.</summary>
    public static async Task AttachAsync(TaskProcess process, AttachStdio attach, CancellationToken cancel)
    {
        process.HasStarted = true;
        process.Stdio = ProcessFifos.Open(process.Fifos, process.CloseInputAsync);
        try
        {
            await attach(process.Stdio, cancel);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }
}
