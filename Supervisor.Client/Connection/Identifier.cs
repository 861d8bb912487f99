using System.Text.RegularExpressions;
using Supervisor.Client.Errors;

namespace Supervisor.Client.Connection;

/// <summary>Ids of containers and execs, as containerd has them (pkg identifiers): they are also names of files.</summary>
internal static partial class Identifier
{
    private const int MaximumLength = 76;

    /// <param name="value">Refused before anything is made, if it is not an id.</param>
    /// <param name="field">Its name, for the message.</param>
    public static void Check(string value, string field)
    {
        if (value.Length is 0 or > MaximumLength || !Form().IsMatch(value))
            throw new ClientException(ErrorCode.InvalidArgument,
                $"{field} \"{value}\": an id has 1 to {MaximumLength} letters and digits, with single . _ - between them");
    }

    [GeneratedRegex(@"\A[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*\z")]
    private static partial Regex Form();
}
