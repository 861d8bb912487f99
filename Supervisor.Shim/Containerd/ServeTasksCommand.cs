using System.Globalization;
using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;
using Supervisor.Shim.Serving;

namespace Supervisor.Shim.Containerd;

/// <summary>Serves containerd, as the process that <see cref="StartCommand"/> launches.</summary>
internal static class ServeTasksCommand
{
    /// <summary>The descriptor that is our listening socket.</summary>
    public const int Listener = 3;

    public static int Run(ShimArguments arguments)
    {
        if (UnixSocket.ListeningPath(Listener) is not { } path)
            throw new UsageException($"descriptor {Listener} is no listening socket: only \"start\" starts a serving shim");
        using var listener = Fd.DuplicateOf(Listener); // close-on-exec
        new Fd(Listener).Dispose();
        DescriptorLimit.Raise();
        var events = Environment.GetEnvironmentVariable("TTRPC_ADDRESS") is { Length: > 0 } said
            ? said : arguments.Address + ".ttrpc";
        using var server = new TaskServer(listener, path, arguments.Namespace, events, Log);
        ServeCommand.RunUntilDone(server.Done, server.RequestExit);
        return 0;
    }

    /// <summary>containerd reads what we print, with its own log's form. What it does not take now is dropped.</summary>
    private static void Log(string message)
    {
        var time = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var text = message.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        try
        {
            using var error = Fd.DuplicateOf(2);
            error.TryWrite(Encoding.UTF8.GetBytes($"time=\"{time}\" level=warning msg=\"{text}\" runtime=supervisor\n"));
        }
        catch (SyscallException)
        {
            // No descriptor is free, or the log is gone.
        }
    }
}
