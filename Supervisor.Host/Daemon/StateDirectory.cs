using Supervisor.Actors.Effects;
using Supervisor.Actors.Persistence;
using Supervisor.Kernel.Files;

namespace Supervisor.Host.Daemon;

/// <summary>
/// Ties a state directory to its root directory. What a crash left in it may be killed only if it is of our containers: the
/// root's uuid is written into both.
/// </summary>
internal static class StateDirectory
{
    private const string OwnerFile = "root-uuid";

    /// <summary>The default state directory: two roots never share one by default.</summary>
    public static string Default(string root, ServerIdentity identity) => root == DaemonOptions.DefaultRoot
        ? DaemonOptions.DefaultState
        : Path.Combine(DaemonOptions.DefaultState, "roots", identity.Uuid);

    /// <summary>Claims it for this root. The caller holds its lock.</summary>
    /// <param name="mismatch">What to do with running containers of another root.</param>
    /// <exception cref="DaemonStartException">It has containers that are not known to be this root's.</exception>
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
            + "daemon owns them, "
        + "give this one another --state; otherwise start once with --adopt, which adopts running containers, or with "
            + "--forget, which kills and removes them";
}
