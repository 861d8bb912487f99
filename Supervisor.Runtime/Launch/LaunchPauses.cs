using System.Runtime.ExceptionServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// Places in a program where the child waits while we do something for it that it cannot do itself: write its id maps,
/// run hooks. The launching thread is inside vfork then, so a separate thread answers (decision 0020).
/// </summary>
/// <remarks>
/// <code>
///   child                               the answering thread
///    │── 1 byte ──────────────────────────▶ does its work with the child's pid
///    │◀── 8 bytes: continue, or 1 byte: fail
/// </code>
/// A program without pauses has no such thread or socket.
/// </remarks>
internal sealed class LaunchPauses : IDisposable
{
    private readonly StreamSocket.Pair _sockets = StreamSocket.Pair.Create();
    private readonly List<Action<int, CancellationToken>> _works = [];
    private Thread? _thread;

    /// <summary>Both ends, as the child inherits them: the program must not open anything at these numbers.</summary>
    public IEnumerable<int> Descriptors => [_sockets.Theirs.Number, _sockets.Ours.Number];

    /// <summary>The exception that a work threw.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    /// <summary>Adds the steps that wait for <paramref name="work"/>.</summary>
    /// <param name="work">Called with the child's pid in our namespace.</param>
    public void Add(LaunchProgram program, string what, Action<int, CancellationToken> work)
    {
        // The child has a copy of our end: until it is closed, the child would not notice that we died.
        if (_works.Count == 0) program.Add(Syscall.close, "the runtime's end", _sockets.Ours.Number).Tolerating(Errno.EBADF);
        program.Add(Syscall.write, what, _sockets.Theirs.Number, program.Value(0L), 1).AtLeast(1).Called($"announce: {what}");
        program.Add(Syscall.read, what, _sockets.Theirs.Number, program.Value(0L), 8).AtLeast(8)
            .Called($"wait for the runtime: {what}");
        _works.Add(work);
    }

    /// <summary>Starts the answering thread. Called by the launcher before clone.</summary>
    public void Begin(Func<int> pid, CancellationToken deadline)
    {
        _thread = new Thread(() => Serve(pid, deadline)) { IsBackground = true, Name = "launch pauses" };
        _thread.Start();
    }

    /// <summary>Called by the launcher when the child has its own memory, or is gone.</summary>
    public void End()
    {
        _sockets.Theirs.Dispose();
        _thread!.Join();
    }

    /// <inheritdoc/>
    public void Dispose() => _sockets.Dispose();

    private void Serve(Func<int> pid, CancellationToken deadline)
    {
        try
        {
            Span<byte> announced = stackalloc byte[1];
            foreach (var work in _works)
            {
                if (_sockets.Ours.Receive(announced, deadline) == 0) return; // it failed before, and reports that itself
                work(pid(), deadline);
                _sockets.Ours.Send(new byte[8], deadline);
            }
        }
        catch (Exception e)
        {
            Failure = ExceptionDispatchInfo.Capture(e);
            try
            {
                _sockets.Ours.Send([0], CancellationToken.None);
            }
            catch (SyscallException)
            {
                // It is gone already.
            }
        }
    }
}
