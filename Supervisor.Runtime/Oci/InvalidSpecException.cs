using System.Globalization;
using System.Text;

namespace Supervisor.Runtime.Oci;

/// <summary>An entry of a spec is invalid: which one, and why.</summary>
public sealed class InvalidSpecException : ArgumentException
{
    private const int Longest = 256; // both parts may come from an untrusted document

    /// <param name="field">Path of the entry, e.g. <c>linux.namespaces[2].type</c>; <c>$</c> for the document itself.</param>
    /// <param name="reason">What is wrong with it, starting in lower case.</param>
    /// <param name="inner">The exception that reported it.</param>
    public InvalidSpecException(string field, string reason, Exception? inner = null)
        : base($"{Printable(field)}: {Printable(reason)}", inner) => Field = Printable(field);

    /// <summary>Path of the entry, e.g. <c>linux.namespaces[2].type</c>; <c>$</c> for the document itself.</summary>
    public string Field { get; }

    /// <summary>Path of a map's entry, spelt as System.Text.Json spells it.</summary>
    internal static string Key(string map, string key) =>
        map + (key.Length > 0 && key.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
            ? (map.Length > 0 ? "." : "") + key
            : $"['{key}']");

    private static string Printable(string text)
    {
        var result = new StringBuilder(Math.Min(text.Length, Longest));
        foreach (var c in text)
        {
            if (result.Length >= Longest) return result.Append('…').ToString();
            if (char.IsControl(c) || char.IsSurrogate(c)) result.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else result.Append(c);
        }
        return result.ToString();
    }
}
