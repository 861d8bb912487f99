using System.Collections.Immutable;

namespace Supervisor.Actors;

/// <summary>From the kernel's and the messages' dictionaries to the journal's, whose order is always the same.</summary>
internal static class SortedDictionaries
{
    public static ImmutableSortedDictionary<string, T> ToSortedDictionary<T>(this IReadOnlyDictionary<string, T> pairs) =>
        pairs.Count == 0 ? None<T>.Pairs : pairs.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Most containers have no labels: one for all of them.</summary>
    private static class None<T>
    {
        public static readonly ImmutableSortedDictionary<string, T> Pairs =
            ImmutableSortedDictionary.Create<string, T>(StringComparer.Ordinal);
    }
}
