using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Processes;

namespace Supervisor.Tests.Kernel.Processes;

public sealed class DescriptorLimitTests
{
    private const int Many = 2_000, Others = 500; // Others: what tests that run at the same time may open or close

    [Fact]
    public void Open_descriptors_are_counted_without_looking_at_each()
    {
        var before = DescriptorLimit.CountOpen();
        using var one = Fd.Open("/dev/null", OpenFlags.O_RDONLY);
        var copies = Enumerable.Range(0, Many).Select(_ => Fd.DuplicateOf(one.Number)).ToList();
        try
        {
            var now = DescriptorLimit.CountOpen();
            Assert.InRange(now, before + Many - Others, before + Many + Others);
            using var directory = Fd.Open("/proc/self/fd", OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY);
            // what is counted before Linux 6.2
            Assert.InRange((ulong)DirectoryNames.Of(directory).Count, now - Others, now + Others);
        }
        finally
        {
            copies.ForEach(c => c.Dispose());
        }
    }
}
