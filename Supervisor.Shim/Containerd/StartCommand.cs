using System.Globalization;
using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Shim.Oci;

namespace Supervisor.Shim.Containerd;

/// <summary>
/// <c>start</c>, in the bundle's directory: starts a shim for the container, or finds that of its pod, and prints its address.
/// </summary>
internal static class StartCommand
{
    private const string AddressFile = "address", LogFile = "log";
    private const int HighestOomScore = 1000, NewestVersion = 3;

    /// <summary>The annotations that name a container's pod, the first one counts: ours, runc's shim's, Kubernetes'.</summary>
    private static readonly string[] Groups =
        ["io.containerd.supervisor.v2.group", "io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];

    public static int Run(ShimArguments arguments)
    {
        if (arguments.Address.Length == 0) throw new UsageException("-address: missing: containerd's socket");
        var bundle = Environment.CurrentDirectory;
        var socket = ShimSocket.PathOf(arguments.Address, arguments.Namespace, GroupOf(bundle) ?? arguments.Id);
        var address = $"unix://{socket}";
        RaiseOomScore();
        ShimSocket.Claim(socket, listener =>
        {
            if (listener is not null) Launch(arguments, listener);
            PrivateFiles.Write(Path.Join(bundle, AddressFile), Encoding.UTF8.GetBytes(address));
        });
        // containerd 1.7 and later say which form they read; 1.6 reads the plain one.
        Streams.Write(int.TryParse(Environment.GetEnvironmentVariable("MAX_SHIM_VERSION"), out var newest) && newest >= 2
            ? $"{{\"version\":{Math.Min(newest, NewestVersion)},\"address\":\"{address}\",\"protocol\":\"ttrpc\"}}" : address);
        return 0;
    }

    private static string? GroupOf(string bundle)
    {
        var annotations = Bundle.TryReadSpec(bundle)?.Annotations;
        return Groups.Select(g => annotations?.GetValueOrDefault(g)).FirstOrDefault(g => !string.IsNullOrEmpty(g));
    }

    /// <summary>
    /// The kernel should kill a shim before containerd, which starts us, but not before the containers: as with runc's shim.
    /// Inherited by the shim.
    /// </summary>
    private static void RaiseOomScore()
    {
        try
        {
            var score = Math.Min(ReadScore($"/proc/{ProcStat.Parent()}/oom_score_adj") + 1, HighestOomScore);
            if (score > ReadScore("/proc/self/oom_score_adj")) File.WriteAllText("/proc/self/oom_score_adj", $"{score}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Its parent is gone, or /proc is another's. The shim works without.
        }

        static int ReadScore(string path) => int.Parse(KernelFile.Read(path).Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>The same program, in a session of its own, with the listener as descriptor 3.</summary>
    private static void Launch(ShimArguments arguments, Fd listener)
    {
        using var nothing = Fd.Open("/dev/null", OpenFlags.O_RDWR);
        // containerd reads this FIFO. For reading and writing: the shim must not wait or fail when containerd is away.
        using var log = Fd.TryOpen(LogFile, OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK) ?? nothing.Duplicate();
        string[] words =
        [
            ContainerdCommandLine.Name, "-namespace", arguments.Namespace, "-id", arguments.Id, "-address", arguments.Address,
            .. arguments.Debug ? ["-debug"] : (string[])[],
        ];
        var executable = Environment.ProcessPath ?? throw new IOException("/proc/self/exe cannot be read: is /proc mounted?");
        var program = BackgroundProgram.Compile(
            executable, words, "/", // the bundle will be removed
            ("standard input", nothing.Number, 0), ("standard output", nothing.Number, 1), ("standard error", log.Number, 2),
            ("listener", listener.Number, ServeTasksCommand.Listener));
        Launcher.Launch(program, CloneFlags.None, null, CancellationToken.None).Pidfd.Dispose();
    }
}
