using Supervisor.Runtime.Checkpointing;

namespace Supervisor.Shim.Oci;

/// <summary>The flags that checkpoint and restore share.</summary>
internal static class CheckpointFlags
{
    public static readonly Flag[] Flags =
    [
        Flag.Value("image-path", "directory of the images (default: checkpoint)"),
        Flag.Value("work-path", "directory of criu's log (default: that of the images)"),
        Flag.Value("parent-path", "images of a pre-dump, relative to the image path"),
        Flag.Switch("tcp-established", "keep established TCP connections"),
        Flag.Switch("tcp-skip-in-flight", "leave out TCP connections that are not established yet"),
        Flag.Switch("link-remap", "link deleted files back where they are open"),
        Flag.Switch("ext-unix-sk", "allow unix sockets with an end outside of the container"),
        Flag.Switch("shell-job", "the container has the terminal of its caller"),
        Flag.Switch("file-locks", "keep file locks"),
        Flag.Value("manage-cgroups-mode", "soft (default), full, strict, props, none or ignore"),
        Flag.List("empty-ns", "make a namespace and leave it empty: network"),
        Flag.Switch("auto-dedup", "free what the images hold twice"),
        Flag.Switch("lazy-pages", "not supported: memory over the network"),
    ];

    /// <exception cref="OciException">A flag is not supported.</exception>
    public static CheckpointOptions Options(Invocation invocation)
    {
        var arguments = invocation.Arguments;
        if (arguments.IsSet("lazy-pages"))
            throw new OciException("--lazy-pages: not supported: all memory is written and read at once; omit the flag");
        var images = Path.GetFullPath(arguments.Text("image-path") is { Length: > 0 } said ? said : "checkpoint");
        return new CheckpointOptions
        {
            ImageDirectory = images,
            WorkDirectory = arguments.Text("work-path") is { Length: > 0 } work ? Path.GetFullPath(work) : null,
            ParentDirectory = Parent(arguments.Text("parent-path"), images),
            TcpEstablished = arguments.IsSet("tcp-established"),
            TcpSkipInFlight = arguments.IsSet("tcp-skip-in-flight"),
            LinkRemap = arguments.IsSet("link-remap"),
            ExternalUnixSockets = arguments.IsSet("ext-unix-sk"),
            ShellJob = arguments.IsSet("shell-job"),
            FileLocks = arguments.IsSet("file-locks"),
            ManageCgroups = arguments.Text("manage-cgroups-mode"),
            EmptyNamespaces = arguments.List("empty-ns"),
            AutoDedup = arguments.IsSet("auto-dedup"),
            Criu = invocation.Options.Criu,
        };
    }

    private static string? Parent(string? path, string images)
    {
        if (string.IsNullOrEmpty(path)) return null;
        if (Path.IsPathRooted(path)) throw new OciException($"--parent-path \"{path}\": it must be relative to the image path");
        if (!Directory.Exists(Path.Join(images, path)))
            throw new OciException($"--parent-path \"{path}\": no such directory below \"{images}\"");
        return path;
    }
}
