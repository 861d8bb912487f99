using System.Buffers;

namespace Supervisor.Actors.Identity;

/// <summary>
/// The grammar of a lease's id: any text without control characters, as in containerd. Clients end theirs in four random
/// characters, and <c>ctr images mount</c> takes the mount point's whole path.
/// </summary>
public static class LeaseId
{
    /// <summary>Characters of an id: a path fits.</summary>
    public const int MaximumLength = 4096;

    private static readonly SearchValues<char> Control =
        SearchValues.Create([.. Enumerable.Range(0, 32).Select(c => (char)c), (char)127]);

    /// <summary>Returns <paramref name="value"/> if it may name a lease.</summary>
    /// <param name="field">The wire name of the field that held it, for the message.</param>
    /// <exception cref="InvalidFieldException">Empty, longer than <see cref="MaximumLength"/>, or with a control
    /// character.</exception>
    public static string Check(string value, string field) =>
        value.Length is > 0 and <= MaximumLength && value.AsSpan().IndexOfAny(Control) < 0
        ? value
        : throw new InvalidFieldException(
            field, $"must be 1 to {MaximumLength} characters, and none of them a control character");
}
