using System.Diagnostics;
using Akka.Actor;
using Akka.Persistence;

namespace Supervisor.Tests.Persistence.Store;

/// <summary>Skipped without strace, which counts the system calls.</summary>
public sealed class StraceFactAttribute : FactAttribute
{
    public StraceFactAttribute()
    {
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        if (!path.Split(':').Any(d => File.Exists(Path.Combine(d, "strace")))) Skip = "no strace here, which counts the syncs";
    }
}

/// <summary>
/// A process of its own that commits events one by one and prints where each class of them begins, for strace to see.
/// </summary>
internal static class DurabilityChild
{
    public const int Each = 20;

    public static Process Start(string file, string trace) => Process.Start(new ProcessStartInfo("strace", [
        "-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range,fcntl,write", "-o", trace,
        "dotnet", "exec", typeof(DurabilityChild).Assembly.Location, "durability", file])
    {
        RedirectStandardOutput = true,
    })!;

    public static void Run(string file)
    {
        var probe = new Probe();
        var system = PersistentSystem.OnDisk(file: file, directory: Path.GetDirectoryName(file));
        var actor = system.Start<Recorder>("a", probe);
        probe.Next().Wait();
        Commit("warm-up", new Fast("x"));
        Commit("unsynced", new Fast("x"));
        Commit("synced", new Safe("x"));
        Commit("both", new Fast("x"), new Safe("x"));
        Mark("end");

        void Commit(string name, params object[] events)
        {
            Mark(name);
            for (var i = 0; i < Each; i++)
            {
                actor.Tell((Action<Recorder>)(a => a.PersistAll(events, a.Note)));
                probe.Next(events.Length).Wait();
            }
        }
    }

    private static void Mark(string name)
    {
        using var output = Console.OpenStandardOutput();
        output.Write(System.Text.Encoding.ASCII.GetBytes($"begin {name}\n"));
    }
}
