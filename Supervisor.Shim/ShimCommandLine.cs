using Supervisor.Shim.Serving;

namespace Supervisor.Shim;

/// <summary>
/// <c>supervisor-shim</c>: the parent of every container of a node. Started by the daemon; not for use by hand.
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
                default:
                    throw new UsageException(args.Length == 0 ? "no verb" : $"\"{args[0]}\" is an unknown verb");
            }
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine(
                $"supervisor-shim: {e.Message}\nusage: supervisor-shim serve --dir DIR   (the daemon starts it)\n       "
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
