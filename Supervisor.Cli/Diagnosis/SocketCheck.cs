using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;

namespace Supervisor.Cli.Diagnosis;

/// <summary>The daemon's socket: that it is there, for its owner and a group alone, and that a daemon listens.</summary>
internal static class SocketCheck
{
    private const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    public static Finding Examine(string address)
    {
        try
        {
            var mode = File.GetUnixFileMode(address);
            var said = $"{address}, mode {Convert.ToString((int)mode, 8)}";
            if ((mode & Others) != 0)
                return Finding.Fault("socket", $"{said}: every user may be root through it", $"chmod o= {address}");
            return DaemonClient.Answers(address)
                ? Finding.Ok("socket", $"{said}, a daemon listens")
                : Finding.Fault("socket", $"{said}, but no daemon listens", "start one: supervisor serve --address " + address);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return Finding.Fault("socket", $"{address} does not exist: no daemon is running",
                "start one: supervisor serve --address " + address);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException or CliException)
        {
            return Finding.Unknown("socket", e.Message, "run this as root");
        }
    }
}
