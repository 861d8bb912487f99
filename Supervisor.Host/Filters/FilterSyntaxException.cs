namespace Supervisor.Host.Filters;

/// <summary>A filter that is none: where it goes wrong, and why.</summary>
/// <param name="text">The whole filter.</param>
/// <param name="start">Where the offending token begins.</param>
/// <param name="end">Where it ends; past the text's end for a token that is missing.</param>
public sealed class FilterSyntaxException(string text, int start, int end, string reason)
    : FormatException($"filters: parse error: [{text[..start]} >|{text[start..end]}|< {text[end..]}]: {reason}: invalid "
        + "argument");
