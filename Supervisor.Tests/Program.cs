using Supervisor.Tests.Fuzz;
using Supervisor.Tests.Persistence;
using Supervisor.Tests.Persistence.Store;

namespace Supervisor.Tests;

/// <summary>
/// The entry point when a test starts this assembly as a process of its own; the test runner does not use it.
/// </summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["journal", var file]:
                JournalChild.Run(file);
                return 0;
            case ["durability", var file]:
                DurabilityChild.Run(file);
                return 0;
            case ["fuzz", var inputs, var seed]:
                return FuzzCommand.Run(inputs, seed);
            default:
                Console.Error.WriteLine("This is a test assembly; run it with `dotnet test`.");
                return 2;
        }
    }
}
