using Supervisor.Client;
using Supervisor.Tests.EndToEnd;
using Supervisor.Tests.Runtime.Checkpointing;

namespace Supervisor.Tests.Client;

/// <summary>Contract D3 and D4: a checkpoint into a directory, and a start from it.</summary>
public sealed class TaskCheckpointTests(ClientServers servers) : IClassFixture<ClientServers>
{
    private static readonly TimeSpan Patience = CommandLine.Patience;

    [CriuFact]
    public Task A_task_is_checkpointed_and_restored() => RoundTripAsync(Server.Supervisor);

    [CriuFact]
    public Task A_task_of_containerd_is_checkpointed_and_restored() => RoundTripAsync(Server.Containerd);

    private async Task RoundTripAsync(Server server)
    {
        using var client = servers.Connect(server);
        var container = await servers.CreateAsync(
            client, "trap 'exit 6' TERM; i=0; while :; do i=$((i+1)); sleep 0.05; done");
        var images = Directory.CreateTempSubdirectory("supervisor-client-criu-");
        try
        {
            await using (var task = await container.StartAsync())
            {
                await task.CreateCheckpointAsync(images.FullName, exit: true);
                await task.WaitAsync().WaitAsync(Patience);
                await task.DeleteAsync();
            }
            Assert.True(File.Exists(Path.Join(images.FullName, "inventory.img")));
            await using var restored = await container.StartAsync(checkpoint: images.FullName);
            Assert.Equal(ProcessState.Running, (await restored.StatusAsync()).State);
            await restored.KillAsync(15);
            Assert.Equal(6, (await restored.WaitAsync().WaitAsync(Patience)).Code); // it still has its trap
            await restored.DeleteAsync();
            await container.DeleteAsync();
        }
        finally
        {
            images.Delete(recursive: true);
        }
    }
}
