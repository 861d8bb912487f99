using System.Collections.Immutable;

namespace Supervisor.Host.Filters;

/// <summary>
/// The filters of one call: one filter must match with all its selectors; no filters, or an empty one, match everything.
/// </summary>
public sealed class FilterSet
{
    /// <summary>
    /// Limit for all filters of one call together, in characters: more than any client sends, and cheap to parse.
    /// </summary>
    public const int MaximumLength = 64 * 1024;

    private readonly ImmutableArray<ImmutableArray<Selector>> _filters;

    private FilterSet(ImmutableArray<ImmutableArray<Selector>> filters) => _filters = filters;

    /// <summary>Matches everything.</summary>
    public static FilterSet All { get; } = new([]);

    /// <exception cref="FilterSyntaxException">One of them is not a filter.</exception>
    public static FilterSet Parse(IEnumerable<string> filters)
    {
        var parsed = ImmutableArray.CreateBuilder<ImmutableArray<Selector>>();
        var length = 0;
        var all = false;
        foreach (var filter in filters)
        {
            length += filter.Length;
            if (length > MaximumLength)
                throw new FilterSyntaxException("", 0, 0, $"more than {MaximumLength} characters of filters");
            if (string.IsNullOrWhiteSpace(filter)) all = true;
            else parsed.Add(FilterParser.Parse(filter));
        }
        return all ? All : new FilterSet(parsed.ToImmutable());
    }

    /// <summary>Whether the record behind <paramref name="lookup"/> matches.</summary>
    public bool Matches(FieldLookup lookup)
    {
        if (_filters.IsEmpty) return true;
        foreach (var filter in _filters)
        {
            if (filter.All(selector => selector.Matches(lookup))) return true;
        }
        return false;
    }
}
