using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Clients;

/// <summary>
/// One of the client scripts (Clients/scripts), which pass unchanged on containerd 1.6 and 2.1: every check must pass here too,
/// and there must be as many of them.
/// </summary>
internal static class ClientScript
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    public static async Task PassesAsync(string script, DaemonProcess daemon, int checks, params string[] environment)
    {
        var path = Path.Join(Repository.Root, "Supervisor.Tests", "Clients", "scripts", script);
        using var run = CommandLine.Start("env",
            [$"ADDRESS={daemon.Address}", "TMO=60", $"CLIENT_LIMIT={Limit.TotalSeconds:0}", .. environment, "bash", path]);
        run.StandardInput.Close();
        var (output, errors) = (run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEndAsync());
        using var deadline = new CancellationTokenSource(Limit + TimeSpan.FromMinutes(1)); // the script has its own limit
        await run.WaitForExitAsync(deadline.Token);
        var last = (await output).TrimEnd().Split('\n')[^1];
        Assert.True(last.StartsWith($"{checks} passed, 0 failed", StringComparison.Ordinal), await output + await errors);
    }
}
