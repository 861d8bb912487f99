using System.Diagnostics;

namespace Supervisor.Benchmarks.Comparison;

/// <summary>A directory with config.json and a root file system of one static program, busybox.</summary>
internal sealed record Bundle(string Directory)
{
    public string Rootfs => Path.Combine(Directory, "rootfs");

    public string Config => Path.Combine(Directory, "config.json");

    /// <summary>The spec has placeholders, ARGS and CGROUP: <see cref="ApiClient"/> fills them.</summary>
    public static Bundle ForApi(string directory)
    {
        var bundle = Make(directory);
        File.WriteAllText(bundle.Config, $$$"""
            {"ociVersion":"1.0.2","process":{"terminal":false,"user":{"uid":0,"gid":0},"args":[ARGS],"env":["PATH=/bin"],
            "cwd":"/","noNewPrivileges":true},"root":{"path":"{{{bundle.Rootfs}}}","readonly":true},"hostname":"bench","mounts":[
            {"destination":"/proc","type":"proc","source":"proc","options":["nosuid","noexec","nodev"]},
            {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","strictatime","mode=755","size=65536k"]}],
            "linux":{"cgroupsPath":"CGROUP","namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"uts"},{"type":"mount"},
            {"type":"network"}]}}
            """);
        return bundle;
    }

    /// <summary>
    /// The default spec of supervisor-oci with a program that exits at once. It claims the specification 1.0.2, of which it uses
    /// nothing newer, because crun before 1.9 refuses to read any later version.
    /// </summary>
    public static async Task<Bundle> ForCommandLineAsync(string directory, string oci, string cgroup, CancellationToken stop)
    {
        var bundle = Make(directory);
        using var spec = Process.Start(new ProcessStartInfo(oci, ["spec"]) { WorkingDirectory = directory })!;
        await spec.WaitForExitAsync(stop);
        if (spec.ExitCode != 0) throw new InvalidOperationException($"{oci} spec exited with {spec.ExitCode}");
        var text = await File.ReadAllTextAsync(bundle.Config, stop);
        var version = text.IndexOf("\"ociVersion\"", StringComparison.Ordinal);
        var end = text.IndexOf(',', version);
        text = string.Concat(text.AsSpan(0, version), "\"ociVersion\": \"1.0.2\"", text.AsSpan(end))
            .Replace("\"terminal\": true", "\"terminal\": false", StringComparison.Ordinal)
            .Replace("\"sh\"", "\"/bin/busybox\", \"true\"", StringComparison.Ordinal)
            .Replace("\"linux\": {", $"\"linux\": {{ \"cgroupsPath\": \"{cgroup}\",", StringComparison.Ordinal);
        await File.WriteAllTextAsync(bundle.Config, text, stop);
        return bundle;
    }

    private static Bundle Make(string directory)
    {
        var bundle = new Bundle(directory);
        foreach (var each in (string[])["bin", "proc", "dev", "sys", "run", "tmp", "etc"])
            System.IO.Directory.CreateDirectory(Path.Combine(bundle.Rootfs, each));
        var busybox = Peers.PathOf("busybox") ?? throw new InvalidOperationException(
            "there is no busybox: install it (Debian: busybox-static), or use --install");
        File.Copy(busybox, Path.Combine(bundle.Rootfs, "bin/busybox"), overwrite: true);
        return bundle;
    }
}
