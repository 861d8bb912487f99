using Containerd.Services.Containers.V1;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>
/// What was answered is not lost when the daemon is killed immediately, also while writes that no caller waits for are pending:
/// of the container that was deleted before.
/// </summary>
public sealed class AnsweredCreationTests
{
    [Fact]
    public async Task A_container_exists_when_the_daemon_is_killed_after_the_answer_to_its_creation()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        using var client = new CrashClient(daemon);
        for (var i = 0; i < 12; i++)
        {
            await client.CreateContainer("before", "true");
            await client.Containers.DeleteAsync(new DeleteContainerRequest { Id = "before" }, client.In());
            await client.CreateContainer($"c{i}", "true");
            await daemon.KillAsync();
            daemon.Begin();
            var found = await CrashClient.Ask(() => client.Containers.ListAsync(new ListContainersRequest(), client.In()));
            Assert.Equal(Enumerable.Range(0, i + 1).Select(n => $"c{n}").Order(StringComparer.Ordinal),
                found!.Containers.Select(c => c.Id).Order(StringComparer.Ordinal));
        }
        for (var i = 0; i < 12; i++)
            await client.Containers.DeleteAsync(new DeleteContainerRequest { Id = $"c{i}" }, client.In());
    }
}
