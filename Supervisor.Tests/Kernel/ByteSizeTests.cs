using Supervisor.Kernel;

namespace Supervisor.Tests.Kernel;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("1", 1)]
    [InlineData("4096", 4096)]
    [InlineData("4096b", 4096)]
    [InlineData("64k", 65536)]
    [InlineData("64K", 65536)]
    [InlineData("64kb", 65536)]
    [InlineData("64KiB", 65536)]
    [InlineData("1m", 1048576)]
    [InlineData("1.5g", 1610612736)]
    [InlineData("2T", 2199023255552)]
    [InlineData("0.5k", 512)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void A_size_is_a_number_and_a_unit(string text, long bytes) => Assert.Equal(bytes, ByteSize.TryParse(text));

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("0")]
    [InlineData("0.0001b")]
    [InlineData(".5g")]
    [InlineData("1.g")]
    [InlineData("1.2.3")]
    [InlineData("1 m")]
    [InlineData(" 1m")]
    [InlineData("1x")]
    [InlineData("1mm")]
    [InlineData("0x10")]
    [InlineData("1e3")]
    [InlineData("1,5g")]
    [InlineData("9223372036854775808")]
    [InlineData("8388608T")]
    [InlineData("99999999999999999999999999999999999")]
    public void Anything_else_is_not_a_size(string text) => Assert.Null(ByteSize.TryParse(text));
}
