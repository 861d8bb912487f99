using Supervisor.Shim.Serving;

namespace Supervisor.Shim;

/// <summary>
/// <c>supervisor-shim</c>: the parent of all containers of a node, for its daemon, or of one without a daemon.
/// </summary>
internal static class ShimCommandLine
{
    public static int Run(string[] args)
    {
        try
        {
            switch (args)
            {
                case ["--version"] or ["-v"]:
                    Console.WriteLine($"supervisor-shim {OciCommandLine.Version}");
                    return 0;
                case ["serve", .. var rest]:
                    return ServeCommand.Run(rest);
                case ["--id" or "--bundle" or "--socket" or "--namespace" or "--state" or "--idle", ..]:
                    return AloneCommand.Run(args);
                default:
                    throw new UsageException(args.Length == 0 ? "no verb" : $"\"{args[0]}\" is an unknown verb");
            }
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine(
                $"supervisor-shim: {e.Message}\nusage: supervisor-shim serve --dir DIR   (the daemon starts it)\n       "
                + "supervisor-shim --id ID --bundle DIR [--socket PATH] [--namespace NAME] [--state DIR] [--idle SECONDS]\n"
                + "       "
                + "supervisor-shim --version");
            return 64;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"supervisor-shim: {e.Message}");
            return 1;
        }
    }
}
