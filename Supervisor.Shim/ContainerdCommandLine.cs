using Supervisor.Shim.Containerd;
using Supervisor.Shim.Oci;

namespace Supervisor.Shim;

/// <summary>
/// <c>containerd-shim-supervisor-v2</c>: containerd's runtime <c>io.containerd.supervisor.v2</c>. containerd starts it; what it
/// prints is read by containerd, and may be nothing else.
/// </summary>
internal static class ContainerdCommandLine
{
    /// <summary>The name that containerd derives from the runtime's.</summary>
    public const string Name = "containerd-shim-supervisor-v2";

    public static int Run(string[] args)
    {
        try
        {
            var arguments = ShimArguments.Parse(args);
            if (arguments.Version)
            {
                Streams.Write($"{Name}:\n  Version:  {OciCommandLine.Version}\n");
                return 0;
            }
            if (arguments.Info) return InfoCommand.Run();
            if (arguments.Namespace.Length == 0) throw new UsageException("-namespace: missing: containerd's namespace");
            if (arguments.Id.Length == 0) throw new UsageException("-id: missing: the container's");
            return arguments.Action switch
            {
                "start" => StartCommand.Run(arguments),
                "delete" => DeleteCommand.Run(arguments),
                "" => ServeTasksCommand.Run(arguments),
                var other => throw new UsageException($"\"{other}\" is an unknown action: start and delete are known"),
            };
        }
        catch (UsageException e)
        {
            Streams.WriteError(
                $"{Name}: {e.Message}\nusage: {Name} -namespace N -address SOCKET -id ID [-bundle DIR] start|delete"
                + $"   (containerd starts it)\n       {Name} -info | -version\n");
            return 2;
        }
        catch (Exception e) when (
            e is IOException or InvalidOperationException or UnauthorizedAccessException or TimeoutException or OciException)
        {
            Streams.WriteError($"{Name}: {e.Message}\n");
            return 1;
        }
    }
}
