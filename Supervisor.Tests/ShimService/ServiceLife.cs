using System.Text;
using Grpc.Core;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Runtime;

namespace Supervisor.Tests.ShimService;

/// <summary>What every container can do over its Shim service, with or without a daemon.</summary>
/// <param name="place">A directory of the host, which the container has as /tmp/vol.</param>
internal sealed class ServiceLife(NodeShimClient shim, string place)
{
    /// <summary>The program of the container: it lives until it gets SIGTERM, which it answers with status 6.</summary>
    public static string[] Command => ["sh", "-c", "trap 'exit 6' TERM; while :; do sleep 0.05; done"];

    /// <summary>The spec of such a container.</summary>
    public static byte[] SpecWith(string place) => Supervisor.Runtime.Oci.SpecWriter.Write(
        TestContainers.Shell(Command) is var spec
            ? spec with
            {
                Mounts = [.. spec.Mounts, new Supervisor.Runtime.Oci.MountSpec
                {
                    Destination = "/tmp/vol", Type = "bind", Source = place, Options = ["rbind", "rw"],
                }],
            } : null!);

    public async Task ExecsWithAndWithoutTerminal()
    {
        var (input, output) = (await Fifo("in"), Path.Join(place, "out"));
        var cat = await shim.Exec("cat; exit 3", input, $"file://{output}");
        await using (var writer = Open(input))
        {
            await writer.WriteAsync("hello\n"u8.ToArray());
            await shim.Call("CloseStdin", new { pid = cat });
            Assert.Equal(3u, await shim.Collect(cat));
        }
        Assert.Equal("hello\n", await File.ReadAllTextAsync(output));
        await shim.Refuses(StatusCode.NotFound, "Delete", new { pid = cat });

        var (keys, screen) = (await Fifo("keys"), await Fifo("screen"));
        await using var typing = Open(keys);
        await using var reading = Open(screen);
        var shell = await shim.Exec("read line; stty size; exit 4", keys, screen, terminal: true);
        await shim.Call("Pty", new { pid = shell, width = 101, height = 43 });
        await typing.WriteAsync("\n"u8.ToArray());
        await Shows(reading, "43 101");
        Assert.Equal(4u, await shim.Collect(shell));
        await shim.Refuses(StatusCode.NotFound, "Pty", new { pid = shell, width = 1, height = 1 });
    }

    public async Task PausesAndResumes()
    {
        await shim.Call("Pause");
        Assert.Equal("PAUSED", await shim.Status());
        var refused = await Assert.ThrowsAsync<NodeShimClient.RefusedException>(() => shim.Exec("true"));
        Assert.Equal(StatusCode.FailedPrecondition, refused.Code);
        Assert.Contains("paused", refused.Details, StringComparison.Ordinal);
        await shim.Refuses(StatusCode.FailedPrecondition, "Pause");
        await shim.Call("Resume");
        Assert.Equal("RUNNING", await shim.Status());
        await shim.Refuses(StatusCode.FailedPrecondition, "Resume");
    }

    public async Task ListsAndKillsProcesses(uint init)
    {
        var sleeper = await shim.Exec("exec sleep 1000");
        var found = await shim.Find(sleeper);
        Assert.Equal(("RUNNING", "/"), (found.GetProperty("status").GetString(), found.GetProperty("cwd").GetString()));
        Assert.Equal(["sh", "-c", "exec sleep 1000"], found.GetProperty("args").EnumerateArray().Select(a => a.GetString()));
        Assert.Equal(Command, (await shim.Find(init)).GetProperty("args").EnumerateArray().Select(a => a.GetString()));
        await shim.Refuses(StatusCode.FailedPrecondition, "Delete", new { pid = sleeper });
        await shim.Refuses(StatusCode.InvalidArgument, "Kill", new { pid = sleeper, signal = 65 });
        await shim.Refuses(StatusCode.NotFound, "Kill", new { pid = 1, signal = 9 });
        await shim.Call("Kill", new { pid = sleeper, signal = 9 });
        Assert.Equal(137u, await shim.Collect(sleeper));
    }

    public async Task<string> Fifo(string name)
    {
        var path = Path.Join(place, name);
        CommandLine.Ok(await CommandLine.RunAsync("mkfifo", path));
        return path;
    }

    /// <summary>Both ends of a FIFO, so that opening it does not wait.</summary>
    private static FileStream Open(string fifo) =>
        new(fifo, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.ReadWrite, BufferSize = 0 });

    private static async Task Shows(FileStream screen, string text)
    {
        var (shown, buffer) = (new StringBuilder(), new byte[4096]);
        while (!shown.ToString().Contains(text, StringComparison.Ordinal))
        {
            var got = await screen.ReadAsync(buffer).AsTask().WaitAsync(CommandLine.Patience);
            shown.Append(Encoding.UTF8.GetString(buffer, 0, got));
        }
    }
}
