namespace Supervisor.Host.Filters;

/// <summary>The kind of a token.</summary>
internal enum FilterTokenKind
{
    /// <summary>The end of the text.</summary>
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

/// <summary>A token of a filter, and its place in the text.</summary>
internal readonly record struct FilterToken(FilterTokenKind Kind, string Text, int Start, int End);
