using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Cgroups;
using Supervisor.Kernel.Processes;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Stdio;

namespace Supervisor.Runtime.ShimClient;

/// <summary>
/// Exceptions over the wire: the caller sees the same type and message as if the call had run in its own process.
/// </summary>
internal static class ShimErrors
{
    private enum Type : byte
    {
        Other = 0, Spec = 1, Stdio = 2, Cgroup = 3, Launch = 4, Syscall = 5, Timeout = 6, Cancelled = 7, InvalidOperation = 8,
        IO = 9, Descriptors = 10,
    }

    public static MessageWriter Put(this MessageWriter to, Exception e) => e switch
    {
        InvalidSpecException s => to.U8((byte)Type.Spec).Cut(s.Field).Cut(Without(s.Message, s.Field)),
        InvalidStdioException s => to.U8((byte)Type.Stdio).Cut(s.Field).Cut(Without(s.Message, s.Field)),
        CgroupException c => to.U8((byte)Type.Cgroup).Cut(c.File).Cut(c.Message).I32((int)c.Errno),
        LaunchException l => to.U8((byte)Type.Launch).Cut(l.Step).Cut(l.Message).I32((int)l.Errno),
        SyscallException s => to.U8((byte)Type.Syscall).Text("").Cut(s.Message).I32((int)s.Errno),
        TimeoutException => to.U8((byte)Type.Timeout).Text("").Cut(e.Message),
        OperationCanceledException => to.U8((byte)Type.Cancelled).Text("").Cut(e.Message),
        InvalidOperationException => to.U8((byte)Type.InvalidOperation).Text("").Cut(e.Message),
        DescriptorsExhaustedException => to.U8((byte)Type.Descriptors).Text("").Cut(e.Message),
        IOException => to.U8((byte)Type.IO).Text("").Cut(e.Message),
        _ => to.U8((byte)Type.Other).Text("").Cut($"{e.GetType().Name}: {e.Message}"),
    };

    public static Exception Error(this MessageReader from)
    {
        var (type, subject, message, errno) = ((Type)from.U8(), from.Text(), from.Text(), (Errno)from.I32());
        return type switch
        {
            Type.Spec => new InvalidSpecException(subject, message),
            Type.Stdio => new InvalidStdioException(subject, message),
            Type.Launch => new LaunchException(subject, errno, message),
            Type.Timeout => new TimeoutException(message),
            Type.Cancelled => new OperationCanceledException(message),
            Type.Descriptors => new DescriptorsExhaustedException(message),
            Type.InvalidOperation => new InvalidOperationException(message),
            _ => new IOException(message), // cgroup and system call errors: no caller needs more than the message
        };
    }

    /// <summary>An error may quote long text, but its message must fit into a packet.</summary>
    private static MessageWriter Cut(this MessageWriter to, string text) => to.Text(ErrorText.Cut(text));

    private static string Without(string message, string field) =>
        message.StartsWith(field + ": ", StringComparison.Ordinal) ? message[(field.Length + 2)..] : message;
}
