using System.Buffers.Binary;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Launch;

namespace Supervisor.Runtime.Programs;

/// <summary>
/// Lets an init outlive its creator and be started by another process: it holds a listening unix socket in a directory of mode
/// 0700. The first connection starts it; the init replies with the end of file, or with how it failed.
/// </summary>
/// <remarks>
/// <code>
///   create ── listen(DIRECTORY/start) ── clone; the init: "ready" to create, then accept4
///   start ── connect ──────────────────▶ accept4 gives it descriptor 3; then its program
///         ◀────────────────────────────  end of file: it runs (the descriptor went with the exec), or {offset, -errno}
/// </code>
/// Only the init waits meanwhile. A start that dies after its connect has started the container: there is no partial
/// request that could make the init exit. Decision record 0030.
/// </remarks>
public sealed class StartSocket : IDisposable
{
    private const string Name = "start", Steps = "start-steps";
    private const int SOCK_CLOEXEC = 0x80000;
    private readonly string _directory;

    private StartSocket(string directory, Fd listener) => (_directory, Listener) = (directory, listener);

    internal Fd Listener { get; }

    /// <summary>
    /// Creates the socket. It exists until <see cref="Start"/> removes it.
    /// </summary>
    /// <param name="directory">Of mode 0700 and ours.</param>
    public static StartSocket Listen(string directory) =>
        new(directory, StreamSocket.Listen(Path.Join(directory, Name)));

    /// <summary>Whether an init that was created with this directory has not been started.</summary>
    public static bool IsHeld(string directory) => File.Exists(Path.Join(directory, Name));

    /// <summary>Starts the init that waits there, and waits until it has executed its program.</summary>
    /// <exception cref="InvalidOperationException">No init waits there: it has been started or has exited.</exception>
    /// <exception cref="LaunchException">A step failed, e.g. the program could not be executed.</exception>
    /// <exception cref="OperationCanceledException">No answer before the deadline: the program may still start.</exception>
    public static void Start(string directory, CancellationToken deadline)
    {
        using var socket = StreamSocket.TryConnectToOurs(Path.Join(directory, Name))
            ?? throw new InvalidOperationException("no init waits to be started");
        File.Delete(Path.Join(directory, Name));
        Span<byte> record = stackalloc byte[16];
        if (socket.Receive(record, deadline) < record.Length) return;
        var offset = BinaryPrimitives.ReadInt64LittleEndian(record);
        var result = BinaryPrimitives.ReadInt64LittleEndian(record[8..]);
        if (offset is Runtime.Hooks.StartHooks.Failed or Runtime.Hooks.StartHooks.TimedOut)
            throw HeldInit.HookFailure(socket, (offset, result));
        throw Failure(File.ReadAllLines(Path.Join(directory, Steps)), InitStub.IndexInSecondHalf(offset), result);
    }

    /// <inheritdoc/>
    public void Dispose() => Listener.Dispose();

    /// <summary>Steps of the stub: the wait, and the connection that replaces the creator's socket.</summary>
    internal static void Await(LaunchProgram program, int listener)
    {
        program.Add(Syscall.accept4, "the request to start", listener, 0, 0, SOCK_CLOEXEC).IntoNext(0);
        program.Add(Syscall.dup3, "the starter's socket", 0, InitStub.SocketFd, (long)OpenFlags.O_CLOEXEC);
    }

    /// <summary>Writes the names of the steps after the wait, for a <see cref="Start"/> that sees one fail.</summary>
    /// <param name="entry">What the stub did before; null for nothing.</param>
    internal void Describe(LaunchProgram secondHalf, LaunchProgram? entry)
    {
        var from = 0;
        for (var i = 0; i < secondHalf.Count; i++)
            if (secondHalf.NumberOf(i) == Syscall.accept4) from = i;
        var lines = new List<string> { $"{InitStub.RecordsBefore(entry) + from} "
            + $"{InitStub.RecordsBefore(entry) + secondHalf.Count}" };
        for (var i = from; i < secondHalf.Count; i++) lines.Add(secondHalf.Describe(i).ReplaceLineEndings(" "));
        PrivateFiles.WriteLines(Path.Join(_directory, Steps), lines);
    }

    private static LaunchException Failure(string[] steps, int index, long result)
    {
        var numbers = steps[0].Split(' ');
        var (from, count) = (int.Parse(numbers[0]), int.Parse(numbers[1]));
        var name = index >= from && index - from + 1 < steps.Length ? steps[index - from + 1] : "start";
        return new LaunchException(
            name, result < 0 ? (Errno)(-result) : Errno.None, $"returned only {result} bytes", index + 1, count);
    }
}
