using Supervisor.Storage;

namespace Supervisor.Tests.Storage;

internal static class TestLimits
{
    /// <summary>Limits that no test reaches.</summary>
    public static StorageLimits Ample { get; } =
        new(1 << 30, 1 << 30, 1_000_000, 1000, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
}
