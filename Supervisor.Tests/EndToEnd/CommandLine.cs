using System.Diagnostics;

namespace Supervisor.Tests.EndToEnd;

/// <summary>The product's executables, as a user starts them.</summary>
internal static class CommandLine
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public sealed record Outcome(int Status, string Output, string Errors);

    public static string Supervisor => Path.Join(Repository.Bin, "supervisor");

    /// <summary>Runs a program until it exits.</summary>
    public static async Task<Outcome> RunAsync(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var deadline = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} does not exit");
        }
        return new Outcome(process.ExitCode, await output, await errors);
    }

    /// <summary>The output of a program that has succeeded.</summary>
    public static string Ok(Outcome outcome)
    {
        Assert.True(outcome.Status == 0, $"exit {outcome.Status}: {outcome.Output}{outcome.Errors}");
        return outcome.Output;
    }

    /// <summary>Starts a program with redirected streams.</summary>
    public static Process Start(string program, params string[] arguments) =>
        Start(program, arguments, new Dictionary<string, string>());

    /// <param name="environment">Added to our environment.</param>
    public static Process Start(string program, string[] arguments, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program, arguments) {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
