using System.Runtime.ExceptionServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Sockets;

namespace Supervisor.Runtime.Launch;

/// <summary>
/// Places in a program where the child waits while we do something about it that it cannot do itself: write its id maps,
/// run hooks. The launching thread is inside vfork then, so a thread of its own answers (decision 0020).
/// </summary>
/// <remarks>
/// <code>
///   child                               the answering thread
///    │── 1 byte ──────────────────────────▶ does its work with the child's pid
///    │◀── 8 bytes: go on, or 1 byte: fail ──
/// </code>
/// A program without pauses has neither thread nor socket.
/// </remarks>
internal sealed class LaunchPauses : IDisposable
{
    private readonly StreamSocket.Pair _sockets = StreamSocket.Pair.Create();
    private readonly List<Action<int, CancellationToken>> _works = [];
    private Thread? _thread;

    /// <summary>Both ends, as the child inherits them: their numbers are not free for what the program opens.</summary>
    public IEnumerable<int> Descriptors => [_sockets.Theirs.Number, _sockets.Ours.Number];

    /// <summary>What a work threw.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    /// <summary>Adds the steps that wait for <paramref name="work"/>.</summary>
    /// <param name="work">Gets the child's pid in our namespace.</param>
    public void Add(LaunchProgram program, string what, Action<int, CancellationToken> work)
    {
        // The child has a copy of our end: without closing that it would never see us die.
        if (_works.Count == 0) program.Add(Syscall.close, "the runtime's end", _sockets.Ours.Number).Tolerating(Errno.EBADF);
        program.Add(Syscall.write, what, _sockets.Theirs.Number, program.Value(0L), 1).AtLeast(1).Called($"announce: {what}");
        program.Add(Syscall.read, what, _sockets.Theirs.Number, program.Value(0L), 8).AtLeast(8)
            .Called($"wait for the runtime: {what}");
        _works.Add(work);
    }

    /// <summary>Begins to answer. Called by the launcher before the birth.</summary>
    public void Begin(Func<int> pid, CancellationToken deadline)
    {
        _thread = new Thread(() => Serve(pid, deadline)) { IsBackground = true, Name = "launch pauses" };
        _thread.Start();
    }

    /// <summary>The child has its own memory, or is gone. Called by the launcher.</summary>
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
                if (_sockets.Ours.Receive(announced, deadline) == 0) return; // it failed before, and says so itself
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
