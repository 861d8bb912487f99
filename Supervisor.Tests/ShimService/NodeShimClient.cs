using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.ShimService;

/// <summary>
/// A client of a Shim service that node's gRPC tools make from the proto (Clients/scripts/shim-service.js).
/// </summary>
internal sealed class NodeShimClient : IAsyncDisposable
{
    private readonly Process _node;
    private readonly ConcurrentDictionary<int, Channel<JsonElement>> _answers = new();
    private readonly Task _reading;
    private int _last;

    /// <summary>A call was refused.</summary>
    public sealed class RefusedException(int code, string details) : Exception($"{code}: {details}")
    {
        public Grpc.Core.StatusCode Code => (Grpc.Core.StatusCode)code;

        public string Details => details;
    }

    public NodeShimClient(string socket)
    {
        Assert.True(Directory.Exists(Modules), $"{Modules} is missing: ./test installs it");
        var script = Path.Join(Repository.Root, "Supervisor.Tests", "Clients", "scripts", "shim-service.js");
        _node = CommandLine.Start("node", script, Modules, Path.Join(Repository.Root, "Supervisor.Protos"), socket);
        _reading = ReadAsync();
    }

    private static string Modules => Path.Join(Repository.Root, "out", "node", "node_modules");

    public async Task<JsonElement> Call(string method, object? request = null)
    {
        var answer = await Begin(method, request).Reader.ReadAsync().AsTask().WaitAsync(CommandLine.Patience);
        return answer.TryGetProperty("ok", out var ok) ? ok : throw Refused(answer);
    }

    public async Task<RefusedException> Refuses(Grpc.Core.StatusCode code, string method, object? request = null)
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Call(method, request));
        Assert.Equal((code, refused.Details), (refused.Code, refused.Details));
        return refused;
    }

    /// <summary>Events as "TYPE pid status", from the moment that this returns.</summary>
    public async Task<ChannelReader<string>> Events()
    {
        var answers = Begin("Events", null).Reader;
        Assert.True((await answers.ReadAsync().AsTask().WaitAsync(CommandLine.Patience)).TryGetProperty("ok", out _));
        var events = Channel.CreateUnbounded<string>();
        _ = Task.Run(async () =>
        {
            await foreach (var answer in answers.ReadAllAsync())
            {
                if (!answer.TryGetProperty("event", out var e)) break;
                await events.Writer.WriteAsync(
                    $"{e.GetProperty("type").GetString()} {e.GetProperty("pid")} {e.GetProperty("exit_status")}");
            }
            events.Writer.Complete();
        });
        return events.Reader;
    }

    public static async Task<string> Next(ChannelReader<string> events) =>
        await events.ReadAsync().AsTask().WaitAsync(CommandLine.Patience);

    public async Task<string> Status() => (await Call("State")).GetProperty("status").GetString()!;

    /// <summary>Starts a shell command.</summary>
    public async Task<uint> Exec(string command, string stdin = "", string stdout = "", bool terminal = false)
    {
        var spec = new JsonObject
        {
            ["args"] = new JsonArray("sh", "-c", command), ["cwd"] = "/", ["env"] = new JsonArray("PATH=/usr/bin:/bin"),
            ["user"] = new JsonObject { ["uid"] = 0, ["gid"] = 0 },
        };
        var answer = await Call("Exec", new
        {
            stdin, stdout, terminal,
            spec = new { type_url = "types.containerd.io/opencontainers/runtime-spec/1/Process", value = spec },
        });
        return answer.GetProperty("pid").GetUInt32();
    }

    /// <summary>The exit status of a process, once it has exited.</summary>
    public async Task<uint> Collect(uint pid)
    {
        await Eventually.IsTrue(async () => (await Find(pid)).GetProperty("status").GetString() == "STOPPED");
        var answer = await Call("Delete", new { pid });
        Assert.InRange(answer.GetProperty("exited_at").GetProperty("seconds").GetInt64(),
            DateTimeOffset.UtcNow.AddMinutes(-5).ToUnixTimeSeconds(), DateTimeOffset.UtcNow.AddMinutes(1).ToUnixTimeSeconds());
        return answer.GetProperty("exit_status").GetUInt32();
    }

    public async Task<JsonElement> Find(uint pid) => (await Call("Processes")).GetProperty("processes").EnumerateArray()
        .Single(p => p.GetProperty("pid").GetUInt32() == pid);

    public async ValueTask DisposeAsync()
    {
        _node.Kill();
        await _node.WaitForExitAsync();
        await _reading;
        _node.Dispose();
    }

    private Channel<JsonElement> Begin(string method, object? request)
    {
        var answers = Channel.CreateUnbounded<JsonElement>();
        var n = Interlocked.Increment(ref _last);
        _answers[n] = answers;
        lock (_node)
        {
            _node.StandardInput.WriteLine(JsonSerializer.Serialize(new { n, method, request = request ?? new { } }));
            _node.StandardInput.Flush();
        }
        return answers;
    }

    private async Task ReadAsync()
    {
        while (await _node.StandardOutput.ReadLineAsync() is { } line)
        {
            var answer = JsonDocument.Parse(line).RootElement;
            await _answers[answer.GetProperty("n").GetInt32()].Writer.WriteAsync(answer);
        }
    }

    private static RefusedException Refused(JsonElement answer) =>
        new(answer.GetProperty("code").GetInt32(), answer.GetProperty("details").GetString()!);
}
