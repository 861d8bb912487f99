namespace Supervisor.Host.Filters;

/// <summary>What a piece of a filter is.</summary>
internal enum FilterTokenKind
{
    /// <summary>Nothing is left.</summary>
    End,

    /// <summary>Letters, digits and underscores.</summary>
    Field,

    /// <summary>Between quotes, escapes resolved.</summary>
    Quoted,

    /// <summary>An unquoted value.</summary>
    Value,

    /// <summary>One of <c>== != ~=</c>.</summary>
    Operator,

    /// <summary>A comma or a dot.</summary>
    Separator,
}

/// <summary>A piece of a filter, and where in the text it is.</summary>
internal readonly record struct FilterToken(FilterTokenKind Kind, string Text, int Start, int End);
