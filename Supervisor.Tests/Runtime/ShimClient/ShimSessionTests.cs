using Supervisor.Kernel.Files;
using Supervisor.Kernel.Polling;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.ShimClient;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Runtime.ShimClient;

/// <summary>The order in which a daemon handles messages of its shim.</summary>
public class ShimSessionTests
{
    [Fact]
    public async Task An_exit_right_after_a_spawn_finds_the_process_registered()
    {
        const int Spawns = 500;
        using var deadline = new CancellationTokenSource(CommandLine.Patience);
        var (ours, theirs) = PacketSocket.Pair();
        using var shim = new PacketSocket(theirs);
        HashSet<string> known = [], seen = [], early = []; // the reader's
        using var session = new ShimSession(ours, (_, body, _) =>
        {
            var key = body.Text();
            seen.Add(key);
            if (!known.Contains(key)) early.Add(key);
        });
        var reader = new Thread(() => session.Read(() => true));
        reader.Start();
        for (var i = 0; i < Spawns; i++)
        {
            var key = $"n/c{i}";
            var call = Task.Run(() =>
                session.Call(ShimKind.Create, m =>
                m.Text(key), null, deadline.Token, spawned: reply => known.Add(reply.Body.Text())));
            Assert.True(shim.TrySend(ShimFrame.Begin(ShimKind.Spawned, NumberOfRequest(shim)).Text(key).Written.Span, []));
            Assert.True(shim.TrySend(ShimFrame.Begin(ShimKind.InputEnded).Text(key).Written.Span, []));
            await call;
        }
        shim.Dispose();
        reader.Join();
        Assert.Equal((Spawns, 0), (seen.Count, early.Count));
    }

    private static long NumberOfRequest(PacketSocket shim)
    {
        var buffer = new byte[PacketSocket.MaximumMessage];
        int? length;
        while ((length = shim.TryReceive(buffer, [])) is null) Poll.Wait(shim.Fd.Number, PollEvents.POLLIN, CommandLine.Patience);
        var body = new MessageReader(buffer.AsMemory(0, length.Value));
        Assert.Equal(ShimKind.Create, (ShimKind)body.U8());
        return body.I64();
    }
}
