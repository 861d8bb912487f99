using Containerd.Events;
using Containerd.Services.Tasks.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Shim.Ttrpc;

namespace Supervisor.Tests.Shim.Ttrpc;

/// <summary>Our protobuf reader and writer against Google's library.</summary>
public sealed class WireTests
{
    [Fact]
    public void What_is_written_is_what_Googles_library_reads()
    {
        var written = new WireWriter().Text(1, "c1").Text(2, "é").Number(3, uint.MaxValue).Number(4, 0).Written.ToArray();
        Assert.Equal(
            new TaskExit { ContainerId = "c1", Id = "é", Pid = uint.MaxValue }, TaskExit.Parser.ParseFrom(written));
        Assert.Equal(
            new Timestamp { Seconds = -62135596800, Nanos = 7 },
            Timestamp.Parser.ParseFrom(new WireWriter().Signed(1, -62135596800).Signed(2, 7).Written));
        Assert.Equal(
            new Any { TypeUrl = "t", Value = ByteString.CopyFrom(1, 0) },
            Any.Parser.ParseFrom(new WireWriter().Text(1, "t").Bytes(2, [1, 0]).Written));
    }

    [Fact]
    public void What_Googles_library_writes_is_read()
    {
        var request = new ExecProcessRequest
        {
            ContainerId = "c1", Stdin = "/in", Terminal = true, ExecId = "e1",
            Spec = new Any { TypeUrl = "x/Process", Value = ByteString.CopyFromUtf8("{}") },
        };
        var read = new List<string>();
        for (var reader = new WireReader(request.ToByteArray()); reader.Next();)
            read.Add(reader.Field switch
            {
                5 => $"5={reader.Flag}",
                6 => $"6={reader.Bytes.Length} bytes",
                var field => $"{field}={reader.Text}",
            });
        Assert.Equal(["1=c1", "2=/in", "5=True", "6=15 bytes", "7=e1"], read);
    }

    [Theory]
    [InlineData("00", "0 is not a field number")]
    [InlineData("0a", "truncated number")]
    [InlineData("0a05" + "61", "5 bytes announced, 1 are left")]
    [InlineData("0affffffffffffffffff01", "bytes announced")]
    [InlineData("08ffffffffffffffffffff01", "more than ten bytes")]
    [InlineData("0b", "wire type 3 is not supported")]
    [InlineData("0901", "8 bytes announced")]
    [InlineData("0a01ff", "not valid UTF-8")]
    [InlineData("0801", "bytes expected, not wire type 0")]
    public void A_malformed_message_is_refused_with_a_reason(string hex, string reason) =>
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() =>
        {
            for (var reader = new WireReader(Convert.FromHexString(hex)); reader.Next();) _ = reader.Text;
        }).Message, StringComparison.Ordinal);

    [Fact]
    public void Unknown_fields_of_every_type_are_skipped()
    {
        var reader = new WireReader(Convert.FromHexString("7801" + "790102030405060708" + "7a0161" + "7d01020304" + "0a0162"));
        while (reader.Field != 1) Assert.True(reader.Next());
        Assert.Equal("b", reader.Text);
        Assert.False(reader.Next());
    }

    [Fact]
    public void A_request_and_a_response_survive_the_wire()
    {
        var request = new TtrpcRequest("s", "m", [1, 2, 3], TimeSpan.FromSeconds(2));
        var read = TtrpcRequest.Read(request.Write(("key", "value")).Written);
        Assert.Equal(("s", "m", TimeSpan.FromSeconds(2)), (read.Service, read.Method, read.Timeout));
        Assert.Equal(request.Payload, read.Payload);
        var refused = TtrpcResponse.Read(new TtrpcResponse(StatusCode.NotFound, "no", []).Write().Written);
        Assert.Equal((StatusCode.NotFound, "no"), (refused.Code, refused.Message));
        Assert.Equal(StatusCode.Ok, TtrpcResponse.Read(new TtrpcResponse(StatusCode.Ok, "", [9]).Write().Written).Code);
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(-1L)]
    public void A_timeout_that_is_none_is_no_limit(long nanoseconds) =>
        Assert.Null(TtrpcRequest.Read(new WireWriter().Signed(4, nanoseconds).Written).Timeout);
}
