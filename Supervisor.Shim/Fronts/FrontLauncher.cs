using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Shim.Fronts;

/// <summary>
/// Starts a container's front, <c>supervisor-shim-service</c>: a child in a session of its own that inherits the listening
/// socket, its link to us and our log, and nothing else.
/// </summary>
internal static class FrontLauncher
{
    /// <summary>Above the numbers that the front gets, so that no duplicate is replaced before it is used.</summary>
    private const int LeastNumber = 16;

    private static string Executable => Path.Join(AppContext.BaseDirectory, FrontArguments.Program);

    /// <summary>Blocks until the front's exec.</summary>
    public static LaunchedProcess Launch(FrontArguments arguments, Fd listener, Fd link, CancellationToken deadline)
    {
        using var nothing = Fd.Open("/dev/null", OpenFlags.O_RDWR);
        using var listening = Fd.DuplicateOf(listener.Number, LeastNumber);
        using var linked = Fd.DuplicateOf(link.Number, LeastNumber);
        var program = BackgroundProgram.Compile(
            Executable, arguments.ToWords(), "/", ("standard input", nothing.Number, 0), ("standard output", nothing.Number, 1),
            ("link", linked.Number, FrontArguments.Link), ("listening socket", listening.Number, FrontArguments.Listener));
        return Launcher.Launch(program, CloneFlags.None, null, deadline);
    }
}
