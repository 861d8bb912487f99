namespace Supervisor.Kernel;

/// <summary>
/// Limits the length of an error's text: it may quote a request's values, and it travels in messages and HTTP headers, which are
/// limited.
/// </summary>
public static class ErrorText
{
    /// <summary>A text of at most this many characters stays whole.</summary>
    public const int Longest = 2048;

    private const int Tail = 512; // the cause is at the end: "…: failed (ENAMETOOLONG)"

    /// <summary>Cuts the middle out of a text that is too long, and says how much was cut.</summary>
    public static string Cut(string text)
    {
        if (text.Length <= Longest) return text;
        var (head, tail) = (Longest - Tail, text.Length - Tail);
        if (char.IsLowSurrogate(text[head])) head--;
        if (char.IsLowSurrogate(text[tail])) tail++;
        return $"{text.AsSpan(0, head)}… ({tail - head} characters cut) …{text.AsSpan(tail)}";
    }
}
