using Grpc.Core;

namespace Supervisor.Cli.Errors;

/// <summary>What the command line's exit codes mean: docker's and podman's, which scripts know.</summary>
internal static class ExitCodes
{
    /// <summary>Our own standard streams cannot be used: not a terminal, or a full disk. As docker.</summary>
    public const int OwnStreams = 1;

    /// <summary>We failed, not the container's program.</summary>
    public const int Ours = 125;

    /// <summary>The program exists but cannot be executed.</summary>
    public const int NotExecutable = 126;

    /// <summary>There is no such program.</summary>
    public const int NotFound = 127;

    /// <summary>The reader of our output is gone: as if SIGPIPE, which .NET ignores, had killed us.</summary>
    public const int ReaderClosed = 128 + 13;

    /// <summary>Killed by signal N: 128 + N.</summary>
    public static int OfSignal(int signal) => 128 + signal;

    /// <summary>
    /// The exit code for a failed create or start. Only the message distinguishes the causes: the status is always UNKNOWN.
    /// </summary>
    public static int OfFailedStart(RpcException failure)
    {
        if (failure.StatusCode is not (StatusCode.Unknown or StatusCode.NotFound or StatusCode.FailedPrecondition)) return Ours;
        var words = failure.Status.Detail;
        if (Says("executable file not found") || Says("no such file or directory") || Says("not a directory")) return NotFound;
        return Says("permission denied") || Says("exec format error") ? NotExecutable : Ours;

        bool Says(string text) => words.Contains(text, StringComparison.OrdinalIgnoreCase);
    }
}
