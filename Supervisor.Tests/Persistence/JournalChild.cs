using System.Diagnostics;
using Akka.Actor;
using Akka.Persistence;

namespace Supervisor.Tests.Persistence;

/// <summary>
/// A process of its own that journals as fast as it can and prints "actor number" for each acknowledged event, until it is
/// killed.
/// </summary>
internal static class JournalChild
{
    public const int Actors = 8;

    public static Process Start(string file) =>
        Process.Start(new ProcessStartInfo("dotnet", ["exec", typeof(JournalChild).Assembly.Location, "journal", file])
    {
        RedirectStandardOutput = true,
    })!;

    public static void Run(string file)
    {
        var output = Console.OpenStandardOutput();
        var system = PersistentSystem.OnDisk(file: file, directory: Path.GetDirectoryName(file));
        for (var i = 0; i < Actors; i++) system.Start<Writer>(i, output);
        // Bounded, should the parent be killed before it kills us.
        Thread.Sleep(TimeSpan.FromMinutes(2));
    }

    private sealed class Writer(int number, Stream output) : UntypedPersistentActor
    {
        public override string PersistenceId => $"child-{number}";

        protected override void OnRecover(object message)
        {
            if (message is RecoveryCompleted) Self.Tell("next");
        }

        protected override void OnCommand(object message) => Persist(LastSequenceNr + 1, _ =>
        {
            lock (output) output.Write(System.Text.Encoding.ASCII.GetBytes($"{number} {LastSequenceNr}\n"));
            Self.Tell("next");
        });
    }
}
