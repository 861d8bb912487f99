namespace Supervisor.Shim.Oci;

/// <summary>
/// <c>restore</c>: restores a container from images; in the foreground it also waits for the exit, as <see cref="RunVerb"/>.
/// </summary>
internal static class RestoreVerb
{
    public static readonly Verb Verb = new("restore", "ID", "restore a container from a checkpoint's images, with criu(8)",
    [
        .. CheckpointFlags.Flags,
        Flag.Value("bundle b", "directory of config.json (default: the working directory)"),
        Flag.Value("console-socket", "unix socket that receives the terminal's master"),
        Flag.Value("pid-file", "file for the init's pid"),
        Flag.Switch("no-pivot", "no effect: criu enters the root"),
        Flag.Switch("no-subreaper", "no effect: orphans are not adopted"),
        Flag.Switch("detach d", "do not wait for the exit"),
        Flag.Value("lsm-profile", "the security module's profile, e.g. apparmor:name"),
        Flag.Value("lsm-mount-context", "the SELinux context of mounts"),
    ], 1, 1, Run);

    private static int Run(Invocation invocation) => RunVerb.Run(invocation, CheckpointFlags.Options(invocation) with
    {
        LsmProfile = invocation.Arguments.Text("lsm-profile"),
        LsmMountContext = invocation.Arguments.Text("lsm-mount-context"),
    });
}
