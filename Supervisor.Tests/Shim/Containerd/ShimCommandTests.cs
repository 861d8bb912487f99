using System.Diagnostics;
using System.Globalization;
using System.Text;
using Supervisor.Shim.Containerd;
using Supervisor.Shim.Ttrpc;
using Supervisor.Tests.EndToEnd;
using static Supervisor.Tests.Shim.Containerd.ContainerdShim;

namespace Supervisor.Tests.Shim.Containerd;

/// <summary>The commands with which containerd starts a shim and cleans up after it.</summary>
public sealed class ShimCommandTests : IDisposable
{
    private readonly ContainerdShim _shim = new();

    public void Dispose() => _shim.Dispose();

    [Theory]
    [InlineData("", "unix://PATH")]
    [InlineData("2", """{"version":2,"address":"unix://PATH","protocol":"ttrpc"}""")]
    [InlineData("9", """{"version":3,"address":"unix://PATH","protocol":"ttrpc"}""")]
    public async Task Start_prints_the_address_in_the_form_that_this_containerd_reads(string newest, string expected)
    {
        await _shim.Oci.Configure(["/bin/true"]);
        var printed = await _shim.StartAsync(newest: newest);
        Assert.Equal(expected.Replace("PATH", _shim.Socket, StringComparison.Ordinal), printed);
        Assert.Equal(ShimSocket.PathOf(_shim.Address, _shim.Namespace, _shim.Id), _shim.Socket);
        _shim.Ok("Shutdown");
    }

    [Fact]
    public async Task The_socket_is_roots_alone_and_the_kernel_kills_the_shim_before_containerd()
    {
        await _shim.Oci.Configure(["/bin/true"]);
        await _shim.StartAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_shim.Socket));
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Path.GetDirectoryName(_shim.Socket)!)
            & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite));
        Assert.Equal(Math.Min(1000, Score("self") + 1), Score($"{_shim.Pid}"));
        Assert.Equal("/", new FileInfo($"/proc/{_shim.Pid}/cwd").LinkTarget);
        _shim.Ok("Shutdown");

        static int Score(string process) =>
            int.Parse(File.ReadAllText($"/proc/{process}/oom_score_adj"), CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Delete_removes_what_a_killed_shim_leaves()
    {
        await _shim.Oci.Configure(["/bin/sleep", "1000"]);
        await _shim.StartAsync();
        var pid = _shim.Create();
        _shim.Ok("Start");
        var cgroup = (await File.ReadAllLinesAsync(Path.Join(_shim.Oci.Bundle, "cgroup")))[0].Split("=/", 2)[1];
        using var shim = Process.GetProcessById(_shim.Pid);
        shim.Kill();
        await Eventually.IsTrue(() => !_shim.Shims().Any());
        Assert.True(Directory.Exists($"/proc/{pid}"));
        var deleted = await _shim.RunAsync("/", "3", "-id", _shim.Id, "-bundle", _shim.Oci.Bundle, "delete");
        Assert.Equal(("", 0), (deleted.Errors, deleted.Status));
        var response = new TtrpcResponse(StatusCode.Ok, "", Encoding.Latin1.GetBytes(deleted.Output));
        Assert.Equal(((ulong)pid, 137ul), (First(response), Field(response, 2)));
        await Eventually.IsTrue(() => !RunningProcess.Exists(pid));
        Assert.False(Directory.Exists("/" + cgroup));
        Assert.False(File.Exists(_shim.Socket));
        Assert.True(File.Exists(Path.Join(_shim.Oci.Bundle, "config.json"))); // the bundle is containerd's
        Assert.Equal(0, (await _shim.RunAsync("/", "3", "-id", _shim.Id, "-bundle", _shim.Oci.Bundle, "delete")).Status);
        Assert.Equal(0, (await _shim.RunAsync("/", "3", "-id", _shim.Id, "-bundle", "/nonexistent", "delete")).Status);
    }

    [Fact]
    public async Task Delete_after_an_orderly_end_touches_no_new_container_of_the_same_cgroup()
    {
        await _shim.Oci.Configure(["/bin/sleep", "1000"]);
        await _shim.StartAsync();
        _shim.Create();
        _shim.Ok("Delete");
        _shim.Create(); // the same id, and so the same cgroup
        var record = Directory.CreateDirectory(Path.Join(_shim.Oci.Place, "old")).FullName;
        await _shim.RunAsync("/", "3", "-id", _shim.Id, "-bundle", record, "delete");
        Assert.Equal(1ul, Field(_shim.Ok("State"), 4));
        _shim.Ok("Delete");
        _shim.Ok("Shutdown");
    }

    [Theory]
    [InlineData("id", "../../c", "")]
    [InlineData("id", "", "")]
    [InlineData("bundle", null, "relative")]
    public async Task A_bad_create_is_refused_by_its_field_and_leaves_nothing(string field, string? id, string bundle)
    {
        await _shim.Oci.Configure(["/bin/true"]);
        await _shim.StartAsync();
        var refused = _shim.Call("Create", new WireWriter().Text(1, id ?? _shim.Id)
            .Text(2, bundle.Length > 0 ? bundle : _shim.Oci.Bundle));
        Assert.Equal(StatusCode.InvalidArgument, refused.Code);
        Assert.StartsWith(field + ": ", refused.Message, StringComparison.Ordinal);
        Assert.Equal(StatusCode.NotFound, _shim.Do("State").Code);
        _shim.Ok("Shutdown");
        Assert.Empty(_shim.Topics);
    }

    [Fact]
    public async Task A_create_that_fails_leaves_nothing_and_can_be_repeated()
    {
        await _shim.Oci.Configure(["/no/such"]);
        await _shim.StartAsync();
        var refused = _shim.Call("Create", new WireWriter().Text(1, _shim.Id).Text(2, _shim.Oci.Bundle));
        Assert.Contains("no such file or directory", refused.Message, StringComparison.Ordinal);
        Assert.Equal(StatusCode.NotFound, _shim.Do("Delete").Code);
        await _shim.Oci.Configure(["/bin/true"]);
        _shim.Create();
        _shim.Ok("Delete");
        _shim.Ok("Shutdown");
    }

    [Fact]
    public async Task Info_says_what_the_runtime_is_and_can_do()
    {
        var info = await _shim.RunAsync("/", "3", "-info");
        Assert.Equal(("", 0), (info.Errors, info.Status));
        var (name, features) = ("", "");
        for (var reader = new WireReader(Encoding.Latin1.GetBytes(info.Output)); reader.Next();)
            if (reader.Field == 1) name = reader.Text;
            else if (reader.Field == 4) features = Encoding.UTF8.GetString(AnyMessage.Read(reader.Bytes).Value);
        Assert.Equal("io.containerd.supervisor.v2", name);
        Assert.Contains("\"ociVersionMax\"", features, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-frobnicate", "flag provided but not defined: -frobnicate")]
    [InlineData("-id", "flag needs an argument: -id")]
    [InlineData("stop", "-id: missing")]
    [InlineData("-socket", "-socket: not supported")]
    [InlineData("-debug=maybe", "invalid boolean value \"maybe\"")]
    public async Task A_wrong_command_line_is_refused_with_the_flag(string word, string message)
    {
        var refused = await _shim.RunAsync("/", "3", word);
        Assert.Equal(2, refused.Status);
        Assert.Contains(message, refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Flags_are_read_as_Go_reads_them()
    {
        var parsed = ShimArguments.Parse(["-namespace", "n", "--id=c1", "-address=/s", "-debug", "-bundle", "/b", "delete"]);
        Assert.Equal(("n", "c1", "/s", true, "/b", "delete"),
            (parsed.Namespace, parsed.Id, parsed.Address, parsed.Debug, parsed.Bundle, parsed.Action));
    }
}
