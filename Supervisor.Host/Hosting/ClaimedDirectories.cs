using Supervisor.Host.Daemon;

namespace Supervisor.Host.Hosting;

/// <summary>
/// The daemon's directories and its address: private, and locked against other daemons until this is disposed of.
/// </summary>
internal sealed class ClaimedDirectories : IDisposable
{
    private readonly Stack<LockFile> _locks = [];

    /// <summary>
    /// Two daemons with one root would write the same journal, with one state directory kill each other's containers, and with
    /// one address unlink each other's socket.
    /// </summary>
    /// <exception cref="DaemonStartException">Another daemon has one of them, or one of them is not the daemon's own.</exception>
    public ClaimedDirectories(DaemonOptions options)
    {
        try
        {
            PrivateDirectory.Claim(options.Root, PrivateDirectory.OfRoot);
            _locks.Push(LockFile.Take(Path.Combine(options.Root, "lock"), $"the root directory {options.Root}"));
            Identity = ServerIdentity.Load(options.Root);
            if (options.State.Length == 0) options = options with { State = StateDirectory.Default(options.Root, Identity) };
            PrivateDirectory.Claim(options.State, PrivateDirectory.OfState, groupMayPass: options.Group is not null);
            _locks.Push(LockFile.Take(Path.Combine(options.State, "state.lock"), $"the state directory {options.State}"));
            ClaimForSocket(Path.GetDirectoryName(Path.GetFullPath(options.Address))!, options.Group is not null);
            _locks.Push(LockFile.Take(options.Address + ".lock", $"the address {options.Address}"));
            ListeningSocket.RemoveStale(options.Address);
            StateDirectory.Own(options, Identity, options.OnMismatch);
            PrivateTree.Narrow(options.Root, PrivateTree.OfRoot);
            PrivateTree.Narrow(options.State, PrivateTree.OfState);
            Options = options;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>With the state directory, which follows from the root if it is not given.</summary>
    public DaemonOptions Options { get; }

    public ServerIdentity Identity { get; }

    public void Dispose()
    {
        foreach (var taken in _locks) taken.Dispose();
    }

    /// <summary>Our own directory is private; another one, such as /run, keeps its mode.</summary>
    private static void ClaimForSocket(string directory, bool groupMayPass)
    {
        if (directory == DaemonOptions.DefaultState) PrivateDirectory.Claim(directory, PrivateDirectory.OfState, groupMayPass);
        else PrivateDirectory.ClaimForSocket(directory);
    }
}
