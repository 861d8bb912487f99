using System.Collections.Concurrent;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;

namespace Supervisor.Tests.Runtime.ShimClient;

/// <summary>The thread that keeps a shim running, with programs that are no shim.</summary>
public sealed class ShimConnectionTests
{
    [Fact]
    public async Task A_program_that_is_no_shim_is_started_again_and_reported_once()
    {
        var directory = Directory.CreateTempSubdirectory("supervisor-test-").FullName;
        try
        {
            var program = Path.Join(directory, "program");
            await File.WriteAllTextAsync(program, $"#!/bin/sh\necho >>{directory}/started\nexit 3\n");
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            var messages = new ConcurrentQueue<string>();
            using (new ShimRuntime(
                new ContainerHost(_ => { }), new ShimOptions(directory, program, messages.Enqueue, OwnsProcess: false)))
                await Eventually.IsTrue(() => Lines(directory) >= 4);
            Assert.Contains("exited at once", Assert.Single(messages), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static int Lines(string directory) =>
        File.Exists($"{directory}/started") ? File.ReadAllLines($"{directory}/started").Length : 0;
}
