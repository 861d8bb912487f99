using System.Security.Cryptography;
using Supervisor.Actors.Effects;
using Supervisor.Host.Daemon;
using Supervisor.Host.Hosting;
using Supervisor.Kernel.Files;

namespace Supervisor.Host.Commands;

/// <summary>A daemon for the time of one command, so that run works without setup. It leaves nothing behind.</summary>
internal sealed class EmbeddedDaemon : IAsyncDisposable
{
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(20);

    private readonly DaemonHost _host;
    private readonly string _directory;

    private EmbeddedDaemon(DaemonHost host, string directory) => (_host, _directory) = (host, directory);

    public string Address => _host.Options.Address;

    /// <exception cref="DaemonStartException">The environment does not allow it.</exception>
    public static async Task<EmbeddedDaemon> StartAsync(CancellationToken cancel)
    {
        var name = $"{Environment.ProcessId}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
        var directory = Path.Combine(RuntimeDirectory(), "embedded", name);
        PrivateDirectory.Claim(RuntimeDirectory(), PrivateDirectory.OfState, groupMayPass: true);
        PrivateFiles.MakeDirectory(directory);
        RemoveDead(Path.GetDirectoryName(directory)!);
        try
        {
            var options = new DaemonOptions(
                Path.Combine(directory, "s"), Path.Combine(directory, "root"), Path.Combine(directory, "state"), Quiet: true);
            return new EmbeddedDaemon(await DaemonHost.StartAsync(options, cancel), directory);
        }
        catch
        {
            Remove(directory);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _host.StopAsync("the command ended").WaitAsync(StopWithin);
            // A command that was killed has not removed its container.
            var state = Path.Combine(_directory, "state");
            if (Leftovers.Any(state)) Leftovers.RemoveAll(state, message => Console.Error.WriteLine($"supervisor: {message}"));
        }
        finally
        {
            Remove(_directory);
        }
    }

    /// <summary>Removes the directories of killed commands: a running one holds the lock of its root.</summary>
    private static void RemoveDead(string all)
    {
        foreach (var directory in Directory.GetDirectories(all))
        {
            var owner = Path.GetFileName(directory).Split('-')[0];
            // A zombie has no executable: it was killed, and so was the command that would reap it.
            if (new FileInfo($"/proc/{owner}/exe").LinkTarget is not null) continue;
            try
            {
                if (!Directory.Exists(Path.Combine(directory, "root")))
                {
                    Remove(directory); // it never had a container, or another command has removed the rest
                    continue;
                }
                using var root = LockFile.Take(Path.Combine(directory, "root", "lock"), directory);
                if (Directory.Exists(Path.Combine(directory, "state")))
                    using (LockFile.Take(Path.Combine(directory, "state", "state.lock"), directory)) { }
                Leftovers.RemoveAll(Path.Combine(directory, "state"), message =>
                    Console.Error.WriteLine($"supervisor: {message}"));
                Remove(directory);
            }
            catch (DaemonStartException)
            {
                // Another command is doing the same.
            }
        }
    }

    private static string RuntimeDirectory() =>
        Environment.IsPrivilegedProcess || Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is not { Length: > 0 } user
            ? DaemonOptions.DefaultState
            : Path.Combine(user, "supervisor");

    private static void Remove(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Another command has removed it.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"supervisor: {directory} could not be removed: {e.Message}");
        }
    }
}
