using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Resources;

/// <summary>The error names a memory limit that is too small for any process to start.</summary>
public sealed class MemoryLimitTests : IDisposable
{
    private readonly TestContainers _containers = new();

    public void Dispose() => _containers.Dispose();

    [Fact]
    public void A_memory_limit_too_small_to_start_a_process_is_named()
    {
        var spec = TestContainers.Shell("true");
        var e = Assert.Throws<InvalidSpecException>(() => _containers.Create(spec with
        {
            Linux = spec.Linux! with { Resources = spec.Linux.Resources! with { Memory = new MemorySpec { Limit = 4096 } } },
        }));
        Assert.Equal("linux.resources.memory.limit", e.Field);
        Assert.Contains("4096 bytes is too little memory to start a process, 6291456 (6 MiB)", e.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_working_directory_that_cannot_be_created_is_named()
    {
        var spec = TestContainers.Shell("true");
        var e = Assert.ThrowsAny<IOException>(
            () => _containers.Create(spec with { Process = spec.Process! with { Cwd = "/no/such/directory" } }));
        Assert.Equal("process.cwd \"/no/such/directory\" does not exist and cannot be created: read-only file system (EROFS)",
            e.Message);
    }
}
