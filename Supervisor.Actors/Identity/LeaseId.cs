using System.Text.RegularExpressions;

namespace Supervisor.Actors.Identity;

/// <summary>
/// The grammar of a lease's id: wider than <see cref="Identifier"/>, since containerd's clients end theirs in four random
/// characters of base64url, dashes and underscores among them.
/// </summary>
public static partial class LeaseId
{
    /// <summary>Returns <paramref name="value"/> if it may name a lease.</summary>
    /// <param name="field">The wire name of the field that held it, for the message.</param>
    /// <exception cref="InvalidFieldException">Empty, longer than 128 characters, or with a character that is not allowed.</exception>
    public static string Check(string value, string field) => Grammar().IsMatch(value)
        ? value
        : throw new InvalidFieldException(field, $"\"{value}\" must be 1 to 128 letters, digits, '.', '_' or '-'");

    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,128}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Grammar();
}
