using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;

namespace Supervisor.Runtime.ShimClient;

/// <summary>Starts a shim: a child in a session of its own that inherits only a log file.</summary>
internal static class ShimLauncher
{
    private const long LongestLog = 1 << 20;

    /// <returns>Its pidfd; it is our child.</returns>
    public static Pidfd Launch(string executable, string directory)
    {
        using var nothing = Fd.Open("/dev/null", OpenFlags.O_RDWR);
        using var log = OpenLog(Path.Join(directory, "log"));
        var program = BackgroundProgram.Compile(
            executable, ["supervisor-shim", "serve", "--dir", directory], "/", ("standard input", nothing.Number, 0),
            ("standard output", nothing.Number, 1), ("standard error", log.Number, 2));
        return Launcher.Launch(program, CloneFlags.None, null, CancellationToken.None).Pidfd;
    }

    /// <summary>Rotates a log that has grown too long; one old log is kept.</summary>
    private static Fd OpenLog(string path)
    {
        if (new FileInfo(path) is { Exists: true, Length: > LongestLog }) File.Move(path, path + ".1", overwrite: true);
        return Fd.Open(path, OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_CREAT, 0x180 /* 0600 */);
    }
}
