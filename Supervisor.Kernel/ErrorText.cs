namespace Supervisor.Kernel;

/// <summary>
/// Bounds the text of an error. It may quote what a request named, and travels in messages and HTTP headers, which have bounds.
/// </summary>
public static class ErrorText
{
    /// <summary>Characters of the longest text that is left whole.</summary>
    public const int Longest = 2048;

    private const int Tail = 512; // the cause is at the end: "…: failed (ENAMETOOLONG)"

    /// <summary>A text that is too long loses its middle, and says how much of it.</summary>
    public static string Cut(string text)
    {
        if (text.Length <= Longest) return text;
        var (head, tail) = (Longest - Tail, text.Length - Tail);
        if (char.IsLowSurrogate(text[head])) head--;
        if (char.IsLowSurrogate(text[tail])) tail++;
        return $"{text.AsSpan(0, head)}… ({tail - head} characters cut) …{text.AsSpan(tail)}";
    }
}
