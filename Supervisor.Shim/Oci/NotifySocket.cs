using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.Oci;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Oci;

/// <summary>
/// systemd's readiness protocol (sd_notify(3)) for a container: the container gets its own socket, and only its READY=1 is
/// forwarded to the socket in our NOTIFY_SOCKET, together with the init's pid as we see it.
/// </summary>
/// <remarks>
/// As with crun, the container finds the socket in a directory with the name of the host's socket. The host's socket is not
/// visible in the container, which can send the service manager nothing else.
/// </remarks>
internal sealed unsafe class NotifySocket : IDisposable
{
    private const string Directory = "notify", Name = "notify";
    private readonly Fd _listener;
    private readonly string _host;

    private NotifySocket(Fd listener, string host) => (_listener, _host) = (listener, host);

    /// <summary>The service manager's socket; null where there is none.</summary>
    private static string? Host => Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 } path ? path : null;

    /// <summary>Gives the container the directory and the variable, if we have a NOTIFY_SOCKET.</summary>
    /// <param name="directory">The container's state directory.</param>
    public static Spec AddTo(Spec spec, string directory)
    {
        if (Host is not { } host || spec.Process is not { } process) return spec;
        var place = Path.Join(directory, Directory);
        // Reachable only through its mount: the directory above is 0700.
        System.IO.Directory.CreateDirectory(place, (UnixFileMode)0x1ed /* 0755 */);
        var inside = host.StartsWith('/') ? host : "/run/notify";
        return spec with
        {
            Process = process with {
                Env = [.. process.Env.Where(e => !e.StartsWith("NOTIFY_SOCKET=", StringComparison.Ordinal)),
                $"NOTIFY_SOCKET={inside}/{Name}"] },
            Mounts = [.. spec.Mounts,
                new MountSpec { Destination = inside, Type = "bind", Source = place,
                Options = ["bind", "nosuid", "noexec", "nodev", "ro"] }],
        };
    }

    /// <summary>Listens, before the container runs.</summary>
    /// <returns>Null where the container was created without one, or we have no NOTIFY_SOCKET.</returns>
    public static NotifySocket? TryListen(string directory)
    {
        var place = Path.Join(directory, Directory);
        if (Host is not { } host || !System.IO.Directory.Exists(place)) return null;
        File.Delete(Path.Join(place, Name));
        // 0777: any user in the container may send. bind(2) applies our umask to it; no other thread creates files meanwhile.
        var before = umask(0);
        try
        {
            return new NotifySocket(UnixSocket.Bind(SOCK_DGRAM, Path.Join(place, Name), 0x1ff), host);
        }
        finally
        {
            umask(before);
        }
    }

    /// <summary>Waits until the container reports that it is ready, and forwards that; or until it has exited.</summary>
    public void Wait(Container container)
    {
        var buffer = new byte[4096];
        while (!container.HasExited)
        {
            var (message, _) = Poll.WaitForInput(_listener.Number, container.ExitDescriptor, TimeSpan.FromSeconds(1));
            if ((message & PollEvents.POLLIN) == 0) continue;
            int got;
            fixed (byte* start = buffer) got = (int)recv(_listener.Number, start, buffer.Length, MSG_DONTWAIT);
            if (got <= 0 || !Encoding.UTF8.GetString(buffer, 0, got).Split('\n').Contains("READY=1")) continue;
            Send($"MAINPID={container.Pid}");
            Send("READY=1");
            return;
        }
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>A missing service manager is not the container's error.</summary>
    private void Send(string text)
    {
        try
        {
            // A leading @ stands for the NUL of an abstract address.
            using var sender = UnixSocket.Connect(SOCK_DGRAM, _host.StartsWith('@') ? $"\0{_host[1..]}" : _host);
            if (!UnixSocket.TrySend(sender, Encoding.UTF8.GetBytes(text + "\n"), []))
                throw new SyscallException("sendmsg", Errno.EAGAIN);
        }
        catch (SyscallException e)
        {
            Log.Warning($"NOTIFY_SOCKET \"{_host}\": {e.Errno}");
        }
    }
}
