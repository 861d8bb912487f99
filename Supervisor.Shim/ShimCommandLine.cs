namespace Supervisor.Shim;

/// <summary><c>supervisor-shim</c>: will be the parent of every container of a node. Until it is, it says so.</summary>
internal static class ShimCommandLine
{
    public static int Run(string[] args)
    {
        if (args is ["--version"] or ["-v"])
        {
            Console.WriteLine($"supervisor-shim {OciCommandLine.Version}");
            return 0;
        }
        Console.Error.WriteLine("supervisor-shim: the daemon of this version is the parent of its containers itself; there is nothing to serve (docs/roadmap.md)");
        return 64;
    }
}
