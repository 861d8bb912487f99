using System.Reflection;
using Supervisor.Kernel.Oci;

namespace Supervisor.Shim;

/// <summary><c>supervisor-oci</c>: the beginnings of an OCI runtime command line, with runc's verbs and flags.</summary>
internal static class OciCommandLine
{
    private const string Usage = """
        usage: supervisor-oci run [-b|--bundle DIR] [--pid-file FILE] ID    runs the container of a bundle and waits for its end
               supervisor-oci spec                                          writes a config.json to start from
               supervisor-oci --version
        """;

    public static string Version { get; } = typeof(OciCommandLine).Assembly.GetName().Version!.ToString(3);

    public static int Run(string[] args)
    {
        try
        {
            return args switch
            {
                ["--version" or "-v"] => PrintVersion(),
                ["spec"] => WriteSpec(),
                ["run", .. var rest] => RunCommand.Run(rest),
                _ => throw new UsageException(args.Length == 0 ? "no verb" : $"\"{args[0]}\" is not a verb of this version"),
            };
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine($"supervisor-oci: {e.Message}\n{Usage}");
            return 64;
        }
        catch (Exception e) when (e is IOException or ArgumentException or InvalidOperationException or TimeoutException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"supervisor-oci: {e.Message}");
            return 1;
        }
    }

    private static int PrintVersion()
    {
        Console.WriteLine($"supervisor-oci version {Version}\nspec: 1.2.0");
        return 0;
    }

    private static int WriteSpec()
    {
        if (File.Exists("config.json")) throw new IOException("config.json exists here already; remove it first");
        File.WriteAllBytes("config.json", SpecWriter.Write(DefaultSpec.Create(["sh"], "rootfs")));
        return 0;
    }
}

/// <summary>The command line is not understood.</summary>
internal sealed class UsageException(string message) : Exception(message);
