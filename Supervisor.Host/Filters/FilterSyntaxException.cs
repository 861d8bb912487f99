namespace Supervisor.Host.Filters;

/// <summary>A filter that cannot be parsed: where it is wrong, and why.</summary>
/// <param name="text">The whole filter.</param>
/// <param name="start">Start of the offending token.</param>
/// <param name="end">Its end; past the text's end for a missing token.</param>
public sealed class FilterSyntaxException(string text, int start, int end, string reason)
    : FormatException($"filters: parse error: [{text[..start]} >|{text[start..end]}|< {text[end..]}]: {reason}: invalid "
        + "argument");
