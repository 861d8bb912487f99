using System.Globalization;
using Supervisor.Kernel.Files;
using static Tmds.Linux.LibC;

namespace Supervisor.Shim.Oci;

/// <summary>
/// Descriptors from 3 on that the container's process inherits: systemd's sockets (sd_listen_fds(3)) and those of
/// <c>--preserve-fds</c>.
/// </summary>
/// <param name="Environment">The variables by which it finds them.</param>
/// <param name="Descriptors">Copies; the caller closes them.</param>
internal sealed record PassedDescriptors(IReadOnlyList<string> Environment, IReadOnlyList<Fd> Descriptors)
{
    /// <summary>Finds them.</summary>
    /// <exception cref="OciException">One of them is not open.</exception>
    public static PassedDescriptors From(Arguments arguments)
    {
        var more = arguments.Number("preserve-fds") ?? 0;
        var sockets = 0;
        // Ignored if it is not a number, as in runc and crun.
        if (int.TryParse(System.Environment.GetEnvironmentVariable("LISTEN_FDS"), NumberStyles.None, CultureInfo.InvariantCulture,
            out var listening)) sockets = listening;
        if (sockets > 1024) throw new OciException($"LISTEN_FDS={sockets} is not within 0 to 1024");
        if (more is < 0 or > 1024) throw new OciException($"--preserve-fds {more} is not within 0 to 1024");
        var count = sockets + (int)more;
        for (var fd = 3; fd < 3 + count; fd++)
            if (IsOurs(fd)) throw new OciException(
                $"unable to preserve file descriptor {fd}: please check that the preserved-fd {fd - 3} (of {count}) is present");
        return new PassedDescriptors(
            sockets > 0 ? [$"LISTEN_FDS={sockets}", "LISTEN_PID=1"]
            : [], [.. Enumerable.Range(3, count).Select(fd => Fd.DuplicateOf(fd))]);
    }

    /// <summary>Closed, or opened by us: what we inherited is not close-on-exec.</summary>
    private static bool IsOurs(int fd)
    {
        var flags = fcntl(fd, F_GETFD);
        return flags < 0 || (flags & FD_CLOEXEC) != 0;
    }
}
