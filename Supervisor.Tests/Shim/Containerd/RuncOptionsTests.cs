using Containerd.Runc.V1;
using Google.Protobuf;
using Supervisor.Shim.Containerd;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Tests.Shim.Containerd;

public sealed class RuncOptionsTests
{
    public static TheoryData<string, string> Refused => new()
    {
        { "{ \"shimCgroup\": \"/x\" }", "options.shim_cgroup: \"/x\"" },
        { "{ \"ioUid\": 5 }", "options.io_uid: \"5\"" },
        { "{ \"ioGid\": 5 }", "options.io_gid: \"5\"" },
        { "{ \"binaryName\": \"/usr/bin/crun\" }", "options.binary_name: \"/usr/bin/crun\"" },
        { "{ \"systemdCgroup\": true }", "options.systemd_cgroup" },
        { "{ \"criuImagePath\": \"/i\" }", "options.criu_image_path" },
        { "{ \"taskApiAddress\": \"unix:///s\" }", "options.task_api_address" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_cannot_be_done_is_refused_by_its_field(string json, string message)
    {
        var refused = Assert.Throws<TtrpcException>(() => Read(JsonParser.Default.Parse<Options>(json)));
        Assert.Equal(StatusCode.InvalidArgument, refused.Code);
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_and_what_can_be_done_are_read()
    {
        Assert.Equal(new RuncOptions(), Read(new Options { BinaryName = "/usr/sbin/runc", Root = "/run/containerd/runc" }));
        Assert.Equal(new RuncOptions(), RuncOptions.Read(new AnyMessage("io.containerd.runtimeoptions.v1.Options", [])));
        var read = Read(new Options { NoPivotRoot = true, NoNewKeyring = true, CriuPath = "/criu", CriuWorkPath = "/w" });
        Assert.Equal((true, true, "/criu", "/w"), (read.NoPivotRoot, read.NoNewKeyring, read.CriuPath, read.CriuWorkPath));
    }

    [Fact]
    public void Options_of_another_type_are_refused_unless_they_set_nothing() =>
        Assert.Contains("only containerd.runc.v1.Options is understood", Assert.Throws<TtrpcException>(
            () => RuncOptions.Read(new AnyMessage("x/io.containerd.runtimeoptions.v1.Options", [1]))).Message,
            StringComparison.Ordinal);

    private static RuncOptions Read(Options options) =>
        RuncOptions.Read(new AnyMessage("containerd.runc.v1.Options", options.ToByteArray()));
}
