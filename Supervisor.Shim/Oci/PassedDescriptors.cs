using System.Globalization;
using Supervisor.Kernel.Containers;

namespace Supervisor.Shim.Oci;

/// <summary>Descriptors from 3 on that the container's process gets: systemd's sockets (sd_listen_fds(3)) and those of <c>--preserve-fds</c>.</summary>
/// <param name="Environment">What it needs to find them.</param>
internal sealed record PassedDescriptors(IReadOnlyList<string> Environment)
{
    /// <summary>Sees to it that they are passed on.</summary>
    /// <exception cref="OciException">One of them is not open.</exception>
    public static PassedDescriptors From(Arguments arguments)
    {
        var more = arguments.Number("preserve-fds") ?? 0;
        var sockets = 0;
        if (System.Environment.GetEnvironmentVariable("LISTEN_FDS") is { Length: > 0 } text
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out sockets) || sockets > 1024))
            throw new OciException($"LISTEN_FDS=\"{text}\" is not a number of descriptors");
        if (more is < 0 or > 1024) throw new OciException($"--preserve-fds {more} is not within 0 to 1024");
        var count = sockets + (int)more;
        for (var fd = 3; fd < 3 + count; fd++)
            if (new FileInfo($"/proc/self/fd/{fd}").LinkTarget is null) throw new OciException($"unable to preserve file descriptor {fd}: it is not open");
        if (count > 0) PassedOn.Set(count);
        return new PassedDescriptors(sockets > 0 ? [$"LISTEN_FDS={sockets}", "LISTEN_PID=1"] : []);
    }
}
