using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Output;

namespace Supervisor.Cli.Diagnosis;

/// <summary>Checks a daemon and what is on disk of it, also while it is down.</summary>
/// <param name="root">The daemon's root, if it cannot be asked; likewise <paramref name="state"/>.</param>
internal sealed class DaemonDiagnosis(DaemonClient client, string? root, string? state)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public async Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancel)
    {
        var findings = new List<Finding> { SocketCheck.Examine(client.Address) };
        var answers = findings[0].Verdict is Verdict.Ok && await AskAsync(findings, cancel);
        if (root is null || state is null)
        {
            findings.Add(Finding.Unknown("directories", "unknown while the daemon does not answer",
                "name them: doctor --root DIR --state DIR"));
            return findings;
        }
        findings.AddRange(ShimCheck.Examine(state));
        findings.Add(DiskCheck.Examine("disk of root", root));
        findings.Add(DiskCheck.Examine("disk of state", state));
        findings.Add(JournalCheck.Examine(root, isServed: answers));
        if (answers) findings.AddRange(await new LeftoverCheck(client, root, state).ExamineAsync(cancel));
        else
            findings.Add(Finding.Unknown(
                "leftovers", "the daemon alone knows which containers there are", "start the daemon first"));
        return findings;
    }

    /// <summary>Asks it for its version and directories.</summary>
    /// <returns>Whether it answers.</returns>
    private async Task<bool> AskAsync(List<Finding> findings, CancellationToken cancel)
    {
        try
        {
            var version = await client.Version.VersionAsync(new Empty(), client.Call(Patience, cancel));
            findings.Add(Versions(version.Version, version.Revision));
            (root, state) = await client.DirectoriesAsync(cancel);
            return true;
        }
        catch (Exception e) when (e is CliException or RpcException)
        {
            var why = e is RpcException call ? $"{call.StatusCode}: {call.Status.Detail}" : e.Message;
            findings.Add(Finding.Fault("daemon", $"does not answer: {why}",
                "look at its standard error (journalctl -u supervisor), and start it again"));
            return false;
        }
    }

    private static Finding Versions(string version, string revision)
    {
        var said = $"client {ClientVersion.Version} {ClientVersion.Revision}, daemon {version} {revision}";
        return version == ClientVersion.Version
            ? Finding.Ok("versions", said)
            : Finding.Fault("versions", said, "start the daemon of this installation: containers go on meanwhile");
    }
}
