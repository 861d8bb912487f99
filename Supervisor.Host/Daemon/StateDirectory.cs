using Supervisor.Actors.Effects;
using Supervisor.Actors.Persistence;
using Supervisor.Kernel.Files;

namespace Supervisor.Host.Daemon;

/// <summary>
/// Which root directory a state directory belongs to. What a crash has left in it is ours to end only if it is our containers'
/// that are
/// there: the uuid of the root is written into both.
/// </summary>
internal static class StateDirectory
{
    private const string OwnerFile = "root-uuid";

    /// <summary>Where the state is if nobody says: two roots never share a directory by default.</summary>
    public static string Default(string root, ServerIdentity identity) => root == DaemonOptions.DefaultRoot
        ? DaemonOptions.DefaultState
        : Path.Combine(DaemonOptions.DefaultState, "roots", identity.Uuid);

    /// <summary>Takes it for this root. The caller holds its lock.</summary>
    /// <param name="mismatch">What to do with running containers of another root.</param>
    /// <exception cref="DaemonStartException">There are containers in it that are not known to be this root's.</exception>
    public static void Own(DaemonOptions options, ServerIdentity identity, JournalMismatch mismatch)
    {
        var path = Path.Combine(options.State, OwnerFile);
        try
        {
            var owner = File.Exists(path) ? File.ReadAllText(path).Trim() : null;
            if (owner == identity.Uuid) return;
            if (mismatch is JournalMismatch.Refuse && Leftovers.Any(options.State))
                throw new DaemonStartException(Refusal(options, identity, owner));
            PrivateFiles.WriteLines(path + ".new", [identity.Uuid]);
            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DaemonStartException($"{path}: {e.Message}", e);
        }
    }

    private static string Refusal(DaemonOptions options, ServerIdentity identity, string? owner) =>
        $"{options.State}: holds containers "
            + $"{(owner is null ? "of no known root directory" : $"of the root directory with the uuid {owner}")}, "
        + $"and {options.Root} is {identity.Uuid}: they are left alone. If that root is not mounted, mount it; if another "
            + "daemon is meant to have them, "
        + "give this one another --state; else start once with --adopt, which takes running containers over, or with "
            + "--forget, which ends them";
}
