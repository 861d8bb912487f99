using Google.Protobuf.Reflection;
using Supervisor.Protos;

namespace Supervisor.Tests.Host.Services;

public sealed class DescriptorsTests
{
    [Fact]
    public void Every_descriptor_file_is_built_before_two_threads_can_ask_for_it()
    {
        var files = typeof(Descriptors).Assembly.GetTypes()
            .Where(t => t.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(t => t.GetProperty("Descriptor")?.GetValue(null)).OfType<FileDescriptor>().Select(f => f.Name);
        Assert.Equal(files.Order(StringComparer.Ordinal), Descriptors.Load().Select(f => f.Name).Order(StringComparer.Ordinal));
    }
}
