namespace Supervisor.Host;

/// <summary>Every message that Supervisor.Host logs, with its event id.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "listening on {Address}, root {Root}, state {State}")]
    public static partial void Listening(ILogger log, string address, string root, string state);

    [LoggerMessage(2, LogLevel.Information, "stopping: {Cause}")]
    public static partial void Stopping(ILogger log, string cause);

    [LoggerMessage(3, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger log);

    [LoggerMessage(4, LogLevel.Warning, "open calls did not end within {Seconds} s, closing their connections")]
    public static partial void CallsAborted(ILogger log, double seconds);

    [LoggerMessage(5, LogLevel.Error,
        "cannot write the journal: {Reason}; containers keep running, the daemon restarts its actors from the journal")]
    public static partial void JournalLost(ILogger log, string reason);

    [LoggerMessage(6, LogLevel.Warning, "{Container} was deleted, but its log or its checkpoints could not be removed: {Reason}")]
    public static partial void LogFileNotRemoved(ILogger log, string container, string reason);

    [LoggerMessage(7, LogLevel.Warning, "{Container} has exited, but could not be removed (--rm): {Reason}")]
    public static partial void NotRemoved(ILogger log, string container, string reason);

    [LoggerMessage(8, LogLevel.Warning, "{Exec} has exited, but could not be deleted: {Reason}")]
    public static partial void ExecNotRemoved(ILogger log, string exec, string reason);

    [LoggerMessage(10, LogLevel.Error, "{Method} failed")]
    public static partial void CallFailed(ILogger log, string method, Exception exception);
}
