using System.Globalization;
using System.Text;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;

namespace Supervisor.Runtime.Launch;

/// <summary>One system call of a launch.</summary>
/// <param name="What">The call, on what, and its arguments in short.</param>
/// <param name="Result">Null where it is not known.</param>
/// <param name="Took">Null where it is not known.</param>
/// <param name="IsTolerant">Whether an error may be expected.</param>
internal sealed record TracedCall(string What, DateTimeOffset Begin, long? Result, TimeSpan? Took, bool IsTolerant);

/// <summary>
/// The system calls of one launch, a line each, appended to a file: what it was done to, the result, and the microseconds that it
/// took. What cannot be written is lost: the launch continues.
/// </summary>
internal sealed class LaunchTrace : IDisposable
{
    private readonly Fd _file;
    private TracedCall? _pending; // its end is the next one's beginning

    private LaunchTrace(Fd file) => _file = file;

    /// <param name="path">A regular file that exists; no symbolic link.</param>
    /// <exception cref="IOException">It is not one, or cannot be written.</exception>
    public static LaunchTrace Open(string path)
    {
        var file = Fd.Open(
            path, OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK | OpenFlags.O_NOCTTY);
        if (FileStatus.Of(file).IsRegular) return new LaunchTrace(file);
        file.Dispose();
        throw new IOException($"the trace's file {path} is not a regular file");
    }

    /// <summary>Calls that have ended.</summary>
    public void Add(IEnumerable<TracedCall> calls) => Write(string.Concat(calls.Select(Line)));

    /// <summary>A call that begins, and the result of the one before.</summary>
    public void Begin(TracedCall call, long? last)
    {
        End(call.Begin, last);
        _pending = call;
    }

    /// <summary>The last call has ended.</summary>
    public void End(DateTimeOffset at, long? result)
    {
        if (_pending is { } ended) Add([ended with { Result = result, Took = at - ended.Begin }]);
        _pending = null;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static string Line(TracedCall call)
    {
        var took = call.Took is { } time ? time.TotalMicroseconds.ToString("0.0", CultureInfo.InvariantCulture) : "?";
        var result = call.Result switch
        {
            null => "?",
            < 0 and var errno => $"{(Errno)(-errno)}{(call.IsTolerant ? " (tolerated)" : "")}",
            var value => $"{value}",
        };
        return $"{took,10} us  {call.What.ReplaceLineEndings(" ")} = {result}\n";
    }

    private void Write(string lines)
    {
        try
        {
            _file.Write(Encoding.UTF8.GetBytes(lines));
        }
        catch (IOException)
        {
            // A full disk is no reason to fail a launch.
        }
    }
}
