using System.Collections.Immutable;

namespace Supervisor.Host.Filters;

/// <summary>
/// The filters of one call: any may match, and of one all selectors must; none, or an empty one, lets everything pass.
/// </summary>
public sealed class FilterSet
{
    /// <summary>
    /// Characters of all filters of one call together: more than any client sends, little enough to parse at once.
    /// </summary>
    public const int MaximumLength = 64 * 1024;

    private readonly ImmutableArray<ImmutableArray<Selector>> _filters;

    private FilterSet(ImmutableArray<ImmutableArray<Selector>> filters) => _filters = filters;

    /// <summary>Lets everything pass.</summary>
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

    /// <summary>Whether what <paramref name="lookup"/> tells of passes.</summary>
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
