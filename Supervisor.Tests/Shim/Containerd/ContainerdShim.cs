using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Sockets;
using Supervisor.Shim.Ttrpc;
using Supervisor.Tests.Clients;
using Supervisor.Tests.EndToEnd;
using static Tmds.Linux.LibC;

namespace Supervisor.Tests.Shim.Containerd;

/// <summary>
/// A shim as containerd starts it, driven by its protocol, with this process in containerd's place: it calls the shim and
/// receives the events. Disposing ends everything.
/// </summary>
internal sealed class ContainerdShim : IDisposable
{
    private const string Events = "containerd.services.events.ttrpc.v1.Events";
    private readonly ConcurrentQueue<(string Topic, Any Event)> _events = new();
    private readonly ConcurrentQueue<Exception> _errors = new();
    private readonly List<string> _bundles = [];
    private EventLoop? _loop;
    private Fd? _listener;
    private TtrpcServer? _server;

    public ContainerdShim()
    {
        Id = OciRuntime.NewId();
        Serve();
    }

    public static string Executable => Path.Join(Repository.Bin, "containerd-shim-supervisor-v2");

    public OciRuntime Oci { get; } = new();

    public string Id { get; }

    public string Namespace { get; } = OciRuntime.NewId();

    /// <summary>The shim's socket.</summary>
    public string Socket { get; private set; } = "";

    public string Address => Path.Join(Oci.Place, "c.sock");

    /// <summary>How the next events are answered; afterwards, with success.</summary>
    public ConcurrentQueue<StatusCode> Answers { get; } = new();

    /// <summary>The topics, without "/tasks/".</summary>
    public IEnumerable<string> Topics => _events.Select(e => e.Topic["/tasks/".Length..]);

    public T Event<T>(string topic) where T : IMessage, new()
    {
        var (_, found) = _events.Last(e => e.Topic == "/tasks/" + topic);
        var message = new T();
        Assert.Equal(message.Descriptor.FullName, found.TypeUrl);
        message.MergeFrom(found.Value);
        return message;
    }

    /// <summary>Takes events, as a running containerd does.</summary>
    public void Serve()
    {
        File.Delete(Address + ".ttrpc");
        _loop = new EventLoop("test", _errors.Enqueue);
        _listener = UnixSocket.Listen(SOCK_STREAM | SOCK_NONBLOCK, Address + ".ttrpc", 8);
        _server = new TtrpcServer(_loop, _listener, call =>
        {
            var code = Answers.TryDequeue(out var said) ? said : StatusCode.Ok;
            if (code is StatusCode.Ok) Take(call);
            if (code is StatusCode.Ok) call.Reply(new WireWriter());
            else call.Refuse(code, "not now");
        }, _ => { });
    }

    /// <summary>Takes none any more.</summary>
    public void StopServing()
    {
        _loop!.Dispose();
        _server!.Dispose();
        _listener!.Dispose();
        File.Delete(Address + ".ttrpc");
    }

    /// <summary>Runs the shim's <c>start</c> in a bundle.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> StartAsync(string? id = null, string? bundle = null, string newest = "3")
    {
        bundle ??= Oci.Bundle;
        if (!_bundles.Contains(bundle)) _bundles.Add(bundle);
        var outcome = await RunAsync(bundle, newest, "-id", id ?? Id, "start");
        Assert.True(outcome is { Status: 0, Errors: "" }, outcome.Output + outcome.Errors);
        Socket = (await File.ReadAllTextAsync(Path.Join(bundle, "address")))["unix://".Length..];
        return outcome.Output;
    }

    /// <summary>Runs the shim's executable as containerd does, in a directory.</summary>
    public async Task<CommandLine.Outcome> RunAsync(string directory, string newest, params string[] arguments)
    {
        var start = new ProcessStartInfo(Executable,
            ["-namespace", Namespace, "-address", Address, "-publish-binary", "/nonexistent", .. arguments])
        {
            WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true,
            StandardOutputEncoding = System.Text.Encoding.Latin1,
        };
        start.Environment["TTRPC_ADDRESS"] = Address + ".ttrpc";
        start.Environment["MAX_SHIM_VERSION"] = newest;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        await process.WaitForExitAsync(deadline.Token);
        return new CommandLine.Outcome(process.ExitCode, await output, await errors);
    }

    /// <summary>Another bundle beside the first, with its own config.json.</summary>
    public async Task<string> MakeBundleAsync(string name, Action<JsonNode> change)
    {
        var bundle = Directory.CreateDirectory(Path.Join(Oci.Place, name)).FullName;
        var config = JsonNode.Parse(await File.ReadAllTextAsync(Path.Join(Oci.Bundle, "config.json")))!;
        config["root"]!["path"] = Oci.Rootfs;
        change(config);
        await File.WriteAllTextAsync(Path.Join(bundle, "config.json"), config.ToJsonString());
        return bundle;
    }

    /// <summary>Create without options and streams.</summary>
    public int Create(string? id = null, string? bundle = null) =>
        (int)First(Ok("Create", new WireWriter().Text(1, id ?? Id).Text(2, bundle ?? Oci.Bundle)));

    public TtrpcResponse TryCreate(string? id = null, string? bundle = null) =>
        Call("Create", new WireWriter().Text(1, id ?? Id).Text(2, bundle ?? Oci.Bundle));

    public TtrpcResponse Do(string method, string? exec = null, uint third = 0, uint fourth = 0, string? id = null) =>
        Call(method, new WireWriter().Text(1, id ?? Id).Text(2, exec ?? "").Number(3, third).Number(4, fourth));

    public TtrpcResponse Ok(string method, string? exec = null, uint third = 0, uint fourth = 0, string? id = null) =>
        Succeeded(method, Do(method, exec, third, fourth, id));

    public TtrpcResponse Ok(string method, WireWriter request) => Succeeded(method, Call(method, request));

    public TtrpcResponse Call(string method, WireWriter request, string service = "containerd.task.v3.Task")
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) {
            ReceiveTimeout = (int)CommandLine.Patience.TotalMilliseconds };
        client.Connect(new UnixDomainSocketEndPoint(Socket));
        var payload = request.Written.ToArray();
        client.Send(TtrpcFrame.Encode(1, FrameType.Request, new TtrpcRequest(service, method, payload, null).Write().Written));
        var header = Receive(client, TtrpcFrame.HeaderSize);
        return TtrpcResponse.Read(Receive(client, BinaryPrimitives.ReadInt32BigEndian(header)));
    }

    /// <summary>An exec's request, of a shell's command.</summary>
    public WireWriter Exec(string exec, string command, string stdin = "", string stdout = "", bool terminal = false)
    {
        var spec = new JsonObject
        {
            ["args"] = new JsonArray("/bin/sh", "-c", command), ["cwd"] = "/",
            ["user"] = new JsonObject { ["uid"] = 0, ["gid"] = 0 },
            ["env"] = new JsonArray("PATH=/bin"),
        };
        return new WireWriter().Text(1, Id).Text(2, exec).Flag(3, terminal).Text(4, stdin).Text(5, stdout)
            .Message(7, new WireWriter().Text(1, "types.containerd.io/opencontainers/runtime-spec/1/Process")
                .Text(2, spec.ToJsonString()));
    }

    /// <summary>The number in field 1 of an answer: a pid, an exit status.</summary>
    public static ulong First(TtrpcResponse response) => Field(response, 1);

    public static ulong Field(TtrpcResponse response, int field)
    {
        for (var reader = new WireReader(response.Payload); reader.Next();) if (reader.Field == field) return reader.UInt32;
        return 0;
    }

    /// <summary>The shim's pid.</summary>
    public int Pid => (int)First(Ok("Connect"));

    public string MakeFifo(string name)
    {
        var path = Path.Join(Oci.Place, name);
        Assert.Equal(0, CommandLine.RunAsync("mkfifo", path).GetAwaiter().GetResult().Status);
        return path;
    }

    public void Dispose()
    {
        foreach (var bundle in _bundles) // kills what a failed test has left, and the shim
        {
            foreach (var pid in Shims())
            {
                using var shim = Process.GetProcessById(pid);
                shim.Kill();
                shim.WaitForExit(CommandLine.Patience); // its socket is removed only when it serves it no more
            }
            RunAsync(bundle, "3", "-id", Id, "-bundle", bundle, "delete").GetAwaiter().GetResult();
        }
        StopServing();
        Oci.Dispose();
        foreach (var left in Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup")
            .Select(d => Path.Join(d, Namespace)).Where(Directory.Exists))
            Directory.Delete(left);
        Assert.Empty(_errors);
    }

    /// <summary>The serving processes of this test.</summary>
    public IEnumerable<int> Shims() => Directory.GetDirectories("/proc").Select(Path.GetFileName)
        .Where(n => int.TryParse(n, out _)).Select(n => int.Parse(n!)).Where(pid =>
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Contains($"-namespace\0{Namespace}\0", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // it has exited
        }
    });

    private void Take(TtrpcCall call)
    {
        Assert.Equal((Events, "Forward"), (call.Service, call.Method));
        for (var request = new WireReader(call.Payload); request.Next();)
        {
            var (topic, @event) = ("", new Any());
            for (var envelope = new WireReader(request.Bytes); envelope.Next();)
                if (envelope.Field == 3) topic = envelope.Text;
                else if (envelope.Field == 2) Assert.Equal(Namespace, envelope.Text);
                else if (envelope.Field == 4) @event = Any.Parser.ParseFrom(envelope.Bytes);
            _events.Enqueue((topic, @event));
        }
    }

    private static TtrpcResponse Succeeded(string method, TtrpcResponse response)
    {
        Assert.True(response.Code is StatusCode.Ok, $"{method}: {response.Code}: {response.Message}");
        return response;
    }

    private static byte[] Receive(Socket client, int length)
    {
        var bytes = new byte[length];
        for (var got = 0; got < length;)
            got += client.Receive(bytes, got, length - got, SocketFlags.None) is > 0 and var one
                ? one : throw new EndOfStreamException("the shim closed the connection");
        return bytes;
    }
}
