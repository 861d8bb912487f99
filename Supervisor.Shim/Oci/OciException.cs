namespace Supervisor.Shim.Oci;

/// <summary>The failure of a verb, with the message that callers of runc match on.</summary>
internal sealed class OciException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>
    /// The message of a failed file operation, as Go words it: the library's own texts are not in the binary
    /// (UseSystemResourceKeys).
    /// </summary>
    /// <param name="path">Null where only the exception has it.</param>
    public static string Wording(Exception e, string? path = null)
    {
        path ??= (e as FileNotFoundException)?.FileName
            ?? e.Message[(e.Message.IndexOf(", ", StringComparison.Ordinal) is >= 0 and var at ? at + 2 : 0)..];
        return e switch
        {
            FileNotFoundException or DirectoryNotFoundException => $"open {path}: no such file or directory",
            UnauthorizedAccessException => $"open {path}: permission denied",
            PathTooLongException => $"open {path}: file name too long",
            _ => e.Message,
        };
    }
}
