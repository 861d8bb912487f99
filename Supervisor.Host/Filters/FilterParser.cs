using System.Collections.Immutable;

namespace Supervisor.Host.Filters;

/// <summary>
/// containerd's filter grammar:
/// <code>
/// filter   := selector ("," selector)*
/// selector := field ("." field)* [op value]
/// field    := [A-Za-z0-9_]+ | "quoted"
/// op       := "==" | "!=" | "~="
/// value    := quoted | graphic characters up to a comma or white space
/// quoted   := "…"; after ~= also |…| and /…/
/// </code>
/// </summary>
internal static class FilterParser
{
    /// <exception cref="FilterSyntaxException">The text is not a filter.</exception>
    public static ImmutableArray<Selector> Parse(string text)
    {
        var lexer = new FilterLexer(text);
        var selectors = ImmutableArray.CreateBuilder<Selector>();
        while (true)
        {
            var path = Path(ref lexer, out var next);
            if (next.Kind is FilterTokenKind.Operator)
            {
                var value = lexer.NextValue(patternQuotes: next.Text == "~=").Text;
                selectors.Add(next.Text switch
                {
                    "==" => new Selector.Equal(path, value),
                    "!=" => new Selector.NotEqual(path, value),
                    _ => new Selector.Like(path, Selector.Like.Compile(value)),
                });
                next = lexer.Next();
            }
            else
            {
                selectors.Add(new Selector.Present(path));
            }
            if (next.Kind is FilterTokenKind.End) return selectors.ToImmutable();
            if (next is not { Kind: FilterTokenKind.Separator, Text: "," })
                throw lexer.Error(next.Start, next.End, "expected a comma or the end");
        }
    }

    private static ImmutableArray<string> Path(ref FilterLexer lexer, out FilterToken next)
    {
        var path = ImmutableArray.CreateBuilder<string>();
        while (true)
        {
            var field = lexer.Next();
            if (field.Kind is not (FilterTokenKind.Field or FilterTokenKind.Quoted))
                throw lexer.Error(field.Start, field.End, "expected field or quoted");
            path.Add(field.Text);
            next = lexer.Next();
            if (next is not { Kind: FilterTokenKind.Separator, Text: "." }) return path.ToImmutable();
        }
    }
}
