using System.Text;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Processes;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Checkpointing;

/// <summary>
/// One run of criu as our worker (<c>criu swrk</c>): one request over a socket pair, criu's notifications, one response.
/// Unlike criu's command line it can return a terminal's master. criu.org/RPC.
/// </summary>
internal sealed class CriuSession : IDisposable
{
    /// <summary>criu_req_type.</summary>
    public const int Dump = 1, Restore = 2, PreDump = 4;

    private const int Notify = 6;
    private readonly PacketSocket _socket;
    private readonly Pidfd _process;

    private CriuSession(PacketSocket socket, Pidfd process) => (_socket, _process) = (socket, process);

    /// <summary>A notification of criu before its response.</summary>
    /// <param name="Script">The point that it reached, e.g. <c>orphan-pts-master</c>.</param>
    /// <param name="Pid">The init, where there is one.</param>
    /// <param name="Descriptors">The descriptors that came with it; the receiver closes them.</param>
    public sealed record Question(string Script, int Pid, IReadOnlyList<Fd> Descriptors);

    /// <summary>Starts criu.</summary>
    /// <param name="before">Adds the steps before its exec: a cgroup, mounts.</param>
    /// <param name="inherited">The descriptors that criu inherits.</param>
    /// <param name="named">Other descriptors that <paramref name="before"/> uses.</param>
    /// <returns>The session, and the numbers of <paramref name="inherited"/> in criu.</returns>
    /// <exception cref="CheckpointException">criu is not found, or cannot be executed.</exception>
    public static (CriuSession Session, IReadOnlyList<int> Numbers) Start(
        string what, string criu, IReadOnlyList<Fd> inherited, IEnumerable<int> named, Action<LaunchProgram, FdSlots>? before,
        CloneFlags namespaces, Fd? cgroup,
        CancellationToken deadline)
    {
        var (ours, theirs) = PacketSocket.Pair();
        try
        {
            using (theirs)
            {
                using var nothing = Fd.Open("/dev/null", OpenFlags.O_RDWR);
                var slots = new FdSlots([theirs.Number, nothing.Number, .. inherited.Select(f => f.Number), .. named]);
                var program = new LaunchProgram();
                before?.Invoke(program, slots);
                for (var fd = 0; fd <= 2; fd++) program.Add(Syscall.dup3, "standard streams", nothing.Number, fd, 0);
                var socket = Pass(theirs);
                int[] numbers = [.. inherited.Select(Pass)];
                ProgramSteps.ResetSignals(program);
                ProgramSteps.UnblockSignals(program);
                var environment = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
                    .Select(e => $"{e.Key}={e.Value}");
                new ProgramSteps(new ProcessSpec { Args = [criu, "swrk", $"{socket}"], Env = [.. environment] }).Execute(program);
                var process = Launcher.Launch(program, namespaces, cgroup, deadline);
                return (new CriuSession(ours, process.Pidfd), numbers);

                int Pass(Fd fd)
                {
                    var slot = slots.Take();
                    FdSlots.Pass(program, "of criu", fd.Number, slot);
                    return slot;
                }
            }
        }
        catch (LaunchException e)
        {
            ours.Dispose();
            throw new CheckpointException(
                what, $"{e.Message} (program \"{criu}\": install criu 4.2 or later, or set its path with --criu or "
                + "SUPERVISOR_CRIU)", null, e);
        }
        catch
        {
            ours.Dispose();
            throw;
        }
    }

    /// <summary>Sends the request and waits for the response.</summary>
    /// <param name="answer">Called for every notification; null where none is expected.</param>
    /// <param name="log">The path of criu's log.</param>
    /// <returns>The restored init's pid; 0 after a dump.</returns>
    /// <exception cref="CheckpointException">criu failed or exited.</exception>
    /// <exception cref="OperationCanceledException">No response before the deadline; criu is killed when this object is
    /// disposed.</exception>
    public int Run(string what, int type, CriuMessage options, Action<Question>? answer, string log, CancellationToken deadline)
    {
        Send(new CriuMessage().Add(1, type).Add(2, options), deadline);
        while (true)
        {
            var descriptors = new List<Fd>();
            var response = CriuMessage.Read(Receive(descriptors, what, log, deadline));
            if (response.Numbers.GetValueOrDefault(1) != Notify)
            {
                foreach (var one in descriptors) one.Dispose();
                if (response.Numbers.GetValueOrDefault(2) == 0) throw CheckpointException.Of(what, Reason(response), log);
                return response.Texts.TryGetValue(4, out var restored)
                    ? (int)CriuMessage.Read(restored).Numbers.GetValueOrDefault(1) : 0;
            }
            var notify = CriuMessage.Read(response.Texts.GetValueOrDefault(5) ?? []);
            var script = Encoding.UTF8.GetString(notify.Texts.GetValueOrDefault(1) ?? []);
            if (answer is null) foreach (var one in descriptors) one.Dispose();
            else answer(new Question(script, (int)notify.Numbers.GetValueOrDefault(2), descriptors));
            Send(new CriuMessage().Add(1, Notify).Add(3, true), deadline);
        }
    }

    /// <summary>Closes the socket, which makes criu exit; kills it if it does not.</summary>
    public void Dispose()
    {
        _socket.Dispose();
        using (_process)
        {
            if (!_process.WaitForExit(TimeSpan.FromSeconds(2))) _process.TrySignal(Signal.SIGKILL);
            _process.Reap();
        }
    }

    public void Kill() => _process.TrySignal(Signal.SIGKILL);

    private static string Reason((Dictionary<int, long> Numbers, Dictionary<int, byte[]> Texts) response)
    {
        var errno = (Errno)(int)response.Numbers.GetValueOrDefault(7);
        var said = response.Texts.TryGetValue(9, out var text) ? Encoding.UTF8.GetString(text).Trim() : "";
        return (errno is Errno.None, said.Length) switch {
            (true, 0) => "no reason given", (true, _) => said, (_, 0) => $"{errno}", _ => $"{errno}: {said}" };
    }

    private void Send(CriuMessage message, CancellationToken deadline)
    {
        try
        {
            while (!_socket.TrySend(message.ToArray(), [])) Await(PollEvents.POLLOUT, deadline);
        }
        catch (SyscallException e) when (e.Errno is Errno.EPIPE or Errno.ECONNRESET)
        {
            // criu exited: the next receive reports it.
        }
    }

    private byte[] Receive(List<Fd> descriptors, string what, string log, CancellationToken deadline)
    {
        var buffer = new byte[PacketSocket.MaximumMessage];
        while (true)
        {
            if (_socket.TryReceive(buffer, descriptors) is { } length)
            {
                if (length > 0) return buffer[..length];
                _process.WaitForExit(TimeSpan.FromSeconds(1));
                throw CheckpointException.Of(
                    what, $"it exited without a response ({_process.TryPeek(out _)?.Code.ToString() ?? "still alive"})", log);
            }
            Await(PollEvents.POLLIN, deadline);
        }
    }

    private void Await(PollEvents events, CancellationToken deadline)
    {
        do deadline.ThrowIfCancellationRequested();
        while (Poll.Wait(_socket.Fd.Number, events, TimeSpan.FromMilliseconds(100)) == PollEvents.None);
    }
}
