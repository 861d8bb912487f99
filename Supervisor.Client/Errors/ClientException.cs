namespace Supervisor.Client.Errors;

/// <summary>A call that failed: the one exception of this library, besides <see cref="OperationCanceledException"/>.</summary>
/// <remarks>The message says what was asked, of what, and the server's text.</remarks>
public sealed class ClientException : Exception
{
    internal ClientException(ErrorCode code, string message, Exception? cause = null) : base(message, cause) => Code = code;

    /// <summary>Why, for programs.</summary>
    public ErrorCode Code { get; }
}
