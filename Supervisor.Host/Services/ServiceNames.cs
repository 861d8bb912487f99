using System.Collections.Frozen;

namespace Supervisor.Host.Services;

/// <summary>Full names of the proto services that this daemon serves.</summary>
public static class ServiceNames
{
    /// <summary>Each as in the path of its calls.</summary>
    public static FrozenSet<string> Served { get; } = DescriptorCatalog.Served.Services.ToFrozenSet(StringComparer.Ordinal);
}
