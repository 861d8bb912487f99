using System.Collections.Immutable;

namespace Supervisor.Actors.KernelPool;

/// <summary>From the kernel's dictionaries to the journal's, whose order is always the same.</summary>
internal static class SortedDictionaries
{
    public static ImmutableSortedDictionary<string, string> ToSortedDictionary(this IReadOnlyDictionary<string, string> pairs) =>
        pairs.ToImmutableSortedDictionary(StringComparer.Ordinal);
}
