using System.Text.RegularExpressions;

namespace Supervisor.Actors.Identity;

/// <summary>
/// The grammar of every id and namespace name, containerd's: no <c>/</c>, no <c>..</c>, nothing a path could be made of.
/// </summary>
public static partial class Identifier
{
    /// <summary>containerd's limit, so that an id still fits a unix socket path.</summary>
    public const int MaximumLength = 76;

    /// <summary>Whether it is an identifier.</summary>
    public static bool IsValid(string value) => value.Length is > 0 and <= MaximumLength && Grammar().IsMatch(value);

    /// <summary>Returns <paramref name="value"/> if it is an identifier.</summary>
    /// <param name="field">The wire name of the field that held it, for the message.</param>
    /// <exception cref="InvalidFieldException">Empty, too long, or with a character that is not allowed.</exception>
    public static string Check(string value, string field)
    {
        if (value.Length == 0) throw new InvalidFieldException(field, "must not be empty");
        if (value.Length > MaximumLength)
            throw new InvalidFieldException(field, $"{value.Length} characters long, at most {MaximumLength} are allowed");
        if (!Grammar().IsMatch(value))
            throw new InvalidFieldException(field, $"\"{value}\" must be letters and digits, joined by single '.', '_' or '-'");
        return value;
    }

    [GeneratedRegex(@"\A[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Grammar();
}
