using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Supervisor.Host.Filters;

/// <summary>The value of a field of the filtered record; null when the field is absent.</summary>
/// <param name="path">The field's name and, below it, the rest of the path: <c>labels</c>, <c>a.b/c</c>. Never empty.</param>
public delegate string? FieldLookup(ImmutableArray<string> path);

/// <summary>One condition of a filter.</summary>
internal abstract record Selector(ImmutableArray<string> Path)
{
    // an absent field counts as empty, as in containerd
    public virtual bool Matches(FieldLookup lookup) => Accepts(lookup(Path) ?? "");

    /// <param name="value">Empty when the field is absent.</param>
    protected abstract bool Accepts(string value);

    /// <summary>The field is present.</summary>
    public sealed record Present(ImmutableArray<string> Path) : Selector(Path)
    {
        public override bool Matches(FieldLookup lookup) => lookup(Path) is not null;

        protected override bool Accepts(string value) => true;
    }

    /// <summary>The field equals the value.</summary>
    public sealed record Equal(ImmutableArray<string> Path, string Value) : Selector(Path)
    {
        protected override bool Accepts(string value) => value == Value;
    }

    /// <summary>The field differs from the value.</summary>
    public sealed record NotEqual(ImmutableArray<string> Path, string Value) : Selector(Path)
    {
        protected override bool Accepts(string value) => value != Value;
    }

    /// <summary>The pattern occurs in the field.</summary>
    /// <param name="Pattern">Null for one that does not compile: it never matches, as in containerd.</param>
    public sealed record Like(ImmutableArray<string> Path, Regex? Pattern) : Selector(Path)
    {
        protected override bool Accepts(string value) => Pattern is not null && Pattern.IsMatch(value);

        /// <summary>
        /// Go's regular expressions are RE2's: no look-around, no back-references, time linear in the input. .NET's
        /// non-backtracking engine gives the same guarantee and refuses the same constructs.
        /// </summary>
        public static Regex? Compile(string pattern)
        {
            try
            {
                return new Regex(
                    pattern.Replace("(?P<", "(?<", StringComparison.Ordinal),
                    RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                return null;
            }
        }
    }
}
