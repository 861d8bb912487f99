using Containerd.Services.Tasks.V1;
using Supervisor.Runtime.Stdio;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>Logs of limited size and unread FIFOs, while daemons and shims are killed and replaced.</summary>
public sealed class OutputTests
{
    [Theory]
    [InlineData("daemon", "")]
    [InlineData("daemon", "&format=cri")]
    [InlineData("shim", "")]
    [InlineData("shim", "&format=cri")]
    [InlineData("upgrade", "")]
    [InlineData("upgrade", "&format=cri")]
    public async Task A_log_of_limited_size_is_continued(string what, string format)
    {
        var place = Directory.CreateTempSubdirectory("supervisor-log-");
        try
        {
            var executable = Path.Join(place.FullName, "supervisor-shim");
            ProgramCopy.Make(Path.Join(Repository.Bin, "supervisor-shim"), executable);
            await using var daemon = await DaemonProcess.StartAsync(executable);
            using var client = new CrashClient(daemon);
            var (log, padding) = (Path.Join(place.FullName, "c.log"), new string('x', 200));
            await client.CreateContainer(
                "c", "sh", "-c", $"trap stop=1 USR2; i=0; while [ -z \"$stop\" ]; do echo $i {padding}; i=$((i+1)); sleep "
                    + "0.002; done; echo $i last");
            await client.CreateTask("c", new CreateTaskRequest { Stdout = $"file://{log}?max-size=4KiB&max-files=1000{format}" });
            await client.Start("c");
            await Longer(3);
            var shim = daemon.ShimPid!.Value;
            if (what is "upgrade") ShimUpgrade.Replace(executable);
            if (what is "shim")
            {
                await StormTests.Signal("-KILL", shim);
            }
            else
            {
                await daemon.KillAsync();
                await Longer(2); // only the shim is running
                await daemon.RestartAsync();
            }
            if (what is "upgrade") await ShimUpgrade.DoneAsync(shim, executable);
            await Longer(3);
            await client.Tasks.KillAsync(new KillRequest { ContainerId = "c", Signal = 12 }, client.In());
            Assert.Equal(0u, await client.Wait("c"));
            var text = format.Length == 0 ? string.Concat(Files().Reverse().Select(File.ReadAllText))
                : string.Concat(Files().Reverse().SelectMany(File.ReadLines).Select(
                    l => l[CriRecord.HeaderLength..] + (l[CriRecord.TagAt] == CriRecord.Full ? "\n" : "")));
            var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(Enumerable.Range(0, lines.Length).Select(i => $"{i} {(i < lines.Length - 1 ? padding : "last")}"),
                lines);
            await client.Remove("c");

            IEnumerable<string> Files() => LogTarget.RotatedFiles(log).Prepend(log);

            async Task Longer(int files)
            {
                var before = Files().Count();
                for (var end = DateTime.UtcNow + CommandLine.Patience; Files().Count() < before + files; await Task.Delay(20))
                    Assert.True(DateTime.UtcNow < end, "the log does not grow");
            }
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("?max-size=oops", "max-size")]
    [InlineData("?max-size=1MiB&max-files=none", "max-files")]
    public async Task A_wrong_limit_is_an_invalid_argument_that_names_the_field(string limits, string word)
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        await client.CreateContainer("c", "true");
        var refused = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await client.Tasks.CreateAsync(
                new CreateTaskRequest { ContainerId = "c", Stdout = $"file://{daemon.Place}/c.log{limits}" }, client.In()));
        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains($"stdout: {word}", refused.Status.Detail, StringComparison.Ordinal);
        Assert.False(File.Exists($"{daemon.Place}/c.log"));
    }

    [Fact]
    public async Task Logs_are_followed_across_files_and_removed_with_the_container()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        var run = await daemon.Do(
            "run", "-d", "--name", "c", "--log-max-size", "4k", "--log-max-files", "1000", "--rootfs", "/", "--",
            "sh", "-c", "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done; sleep 1; echo end");
        Assert.True(run.Status == 0, run.Errors);
        string[] wanted = [.. Enumerable.Range(0, 3000).Select(i => $"{i}"), "end"];
        var followed = await daemon.Do("logs", "-f", "c");
        Assert.Equal(wanted, followed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(followed.Output, (await daemon.Do("logs", "c")).Output);
        var directory = Path.Join(daemon.Root, "logs", daemon.Namespace);
        Assert.True(Directory.GetFiles(directory).Length > 2);
        Assert.Equal(0, (await daemon.Do("rm", "c")).Status);
        Assert.Empty(Directory.GetFiles(directory));
    }

    [Fact]
    public async Task The_configuration_limits_logs_of_containers_without_a_limit_of_their_own()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        await daemon.KillAsync();
        var config = Path.Join(daemon.Place, "limits.hocon");
        File.WriteAllText(config, "supervisor.logs { max-size = 4KiB, max-files = 2 }");
        daemon.Config = config;
        await daemon.RestartAsync();
        foreach (var (name, flags, files) in (
            (string, string[], int)[])[("limited", [], 2), ("free", ["--log-max-size", "off"], 1)])
        {
            Assert.Equal(0, (await daemon.Do([
                "run", "-d", "--name", name, .. flags, "--rootfs", "/", "--", "sh", "-c",
                    "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done"])).Status);
            Assert.Equal(0, (await daemon.Do("wait", name)).Status);
            Assert.Equal(files, Directory.GetFiles(Path.Join(daemon.Root, "logs", daemon.Namespace), name + ".log*").Length);
            Assert.EndsWith("\n2999\n", (await daemon.Do("logs", name)).Output, StringComparison.Ordinal);
        }
    }

    /// <summary>Of a container and of an exec, also after an upgrade of the shim.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Unread_output_waits_for_its_reader(bool upgrade)
    {
        var place = Directory.CreateTempSubdirectory("supervisor-unread-");
        try
        {
            var executable = Path.Join(place.FullName, "supervisor-shim");
            ProgramCopy.Make(Path.Join(Repository.Bin, "supervisor-shim"), executable);
            await using var daemon = await DaemonProcess.StartAsync(executable);
            using var client = new CrashClient(daemon);
            var (ofInit, ofExec) = (Path.Join(place.FullName, "init"), Path.Join(place.FullName, "exec"));
            using (var make = System.Diagnostics.Process.Start("mkfifo", [ofInit, ofExec])) await make.WaitForExitAsync();
            foreach (var id in (string[])["lives", "ends"])
            {
                await client.CreateContainer(id, "sh", "-c", id is "ends" ? "echo of the init" : "sleep 1000");
                await client.CreateTask(id, new CreateTaskRequest { Stdout = id is "ends" ? ofInit : "" });
                await client.Start(id);
            }
            await client.Exec("lives", "e", ofExec, ["sh", "-c", "echo of the exec"]);
            await client.Start("lives", "e");
            Assert.Equal(0u, await client.Wait("lives", "e"));
            Assert.Equal(0u, await client.Wait("ends"));
            var shim = daemon.ShimPid!.Value;
            if (upgrade)
            {
                ShimUpgrade.Replace(executable);
                await daemon.KillAsync();
                await daemon.RestartAsync();
                await ShimUpgrade.DoneAsync(shim, executable);
            }
            Assert.Equal("of the exec\n", (await CommandLine.RunAsync("cat", ofExec)).Output);
            Assert.Equal("of the init\n", (await CommandLine.RunAsync("cat", ofInit)).Output);
            await Released(shim, ofExec, ofInit);
            await client.Remove("ends");
            await client.Remove("lives");
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    private static async Task Released(int shim, params string[] fifos)
    {
        for (var end = DateTime.UtcNow + CommandLine.Patience;
            Directory.GetFiles($"/proc/{shim}/fd").Any(f => fifos.Contains(new FileInfo(f).LinkTarget)); await Task.Delay(20))
            Assert.True(DateTime.UtcNow < end, "the shim still holds them");
    }
}
