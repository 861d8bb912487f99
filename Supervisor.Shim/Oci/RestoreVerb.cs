namespace Supervisor.Shim.Oci;

/// <summary>
/// <c>restore</c>: brings a container back from images; in the foreground also wait for the end, as <see cref="RunVerb"/>.
/// </summary>
internal static class RestoreVerb
{
    public static readonly Verb Verb = new("restore", "ID", "bring a container back from a checkpoint's images, by criu(8)",
    [
        .. CheckpointFlags.Flags,
        Flag.Value("bundle b", "directory of config.json (default: the working directory)"),
        Flag.Value("console-socket", "unix socket that is sent the terminal's master"),
        Flag.Value("pid-file", "file for the init's pid"),
        Flag.Switch("no-pivot", "without effect: criu enters the root"),
        Flag.Switch("no-subreaper", "without effect: we adopt no orphans"),
        Flag.Switch("detach d", "do not wait for the end"),
        Flag.Value("lsm-profile", "the security module's profile, e.g. apparmor:name"),
        Flag.Value("lsm-mount-context", "the SELinux context of mounts"),
    ], 1, 1, Run);

    private static int Run(Invocation invocation) => RunVerb.Run(invocation, CheckpointFlags.Options(invocation) with
    {
        LsmProfile = invocation.Arguments.Text("lsm-profile"),
        LsmMountContext = invocation.Arguments.Text("lsm-mount-context"),
    });
}
