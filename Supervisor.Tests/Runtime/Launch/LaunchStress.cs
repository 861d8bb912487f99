using System.Reflection.Emit;
using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;

namespace Supervisor.Tests.Runtime.Launch;

/// <summary>
/// 20,000 launches from four threads while others collect, allocate and compile: they would hang if managed code ran in a child.
/// </summary>
public class LaunchStress
{
    private const int Threads = 4, LaunchesEach = 5_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Twenty_thousand_launches_during_collections_and_compilation_all_succeed()
    {
        using var stop = new CancellationTokenSource();
        var storms = new[] { Storm(Collect), Storm(Allocate), Storm(Compile) };
        var bad = new List<string>();
        var launchers = Enumerable.Range(0, Threads).Select(t => new Thread(() => Launch(t, bad))).ToList();
        launchers.ForEach(t => t.Start());
        var deadline = DateTime.UtcNow.AddMinutes(6);
        var ended = launchers.All(t => t.Join(deadline - DateTime.UtcNow is { Ticks: > 0 } left ? left : TimeSpan.Zero));
        stop.Cancel();
        foreach (var storm in storms) storm.Join();
        Assert.True(ended, "a launching thread hangs");
        Assert.Empty(bad);

        Thread Storm(Action once)
        {
            var thread = new Thread(() =>
            {
                while (!stop.IsCancellationRequested) once();
            });
            thread.Start();
            return thread;
        }
    }

    private static void Launch(int thread, List<string> bad)
    {
        for (var i = 0; i < LaunchesEach; i++)
        {
            var wanted = (thread * 31 + i) % 200;
            var program = new LaunchProgram();
            // Every hundredth is made to fail at a known step.
            if (i % 100 == 99) program.Add(Syscall.chdir, "/no/such", program.Text("/no/such"));
            program.Add(Syscall.setsid, null);
            program.Add(Syscall.rt_sigprocmask, null, 2, program.Value(0L), 0, 8);
            program.Add(Syscall.execve, "busybox", program.Text("/bin/busybox"),
                program.Strings(["busybox", "sh", "-c", $"exit {wanted}"]), program.Strings([]));
            try
            {
                var process = Launcher.Launch(program, CloneFlags.None, null, CancellationToken.None);
                using var pidfd = process.Pidfd;
                if (!pidfd.WaitForExit(Patience)) Bad($"{thread}/{i}: hangs");
                else if (pidfd.TryReap()?.Code is var got && got != wanted) Bad($"{thread}/{i}: {got}, wanted {wanted}");
                else if (i % 100 == 99) Bad($"{thread}/{i}: the failing step did not fail");
            }
            catch (LaunchException e) when (i % 100 == 99 && e.Errno is Errno.ENOENT && e.Step == "chdir \"/no/such\"")
            {
            }
            catch (Exception e)
            {
                Bad($"{thread}/{i}: {e.Message}");
            }
        }

        void Bad(string what)
        {
            lock (bad) bad.Add(what);
        }
    }

    private static void Collect()
    {
        GC.Collect(Random.Shared.Next(3), GCCollectionMode.Forced, blocking: true);
        Thread.Sleep(1);
    }

    private static void Allocate()
    {
        for (var i = 0; i < 1_000; i++) GC.KeepAlive(new byte[Random.Shared.Next(10_000)]);
        Thread.Sleep(1);
    }

    private static void Compile()
    {
        var method = new DynamicMethod("f", typeof(int), [typeof(int)]);
        var il = method.GetILGenerator();
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ret);
        GC.KeepAlive(method.CreateDelegate<Func<int, int>>()(1));
        Thread.Sleep(1);
    }
}
