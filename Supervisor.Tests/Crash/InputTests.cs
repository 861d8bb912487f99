using Containerd.Services.Tasks.V1;
using Supervisor.Tests.EndToEnd;

namespace Supervisor.Tests.Crash;

/// <summary>
/// The input of a container whose clients reconnect: dockerd restarts with live-restore, and only CloseIO closes the input.
/// </summary>
public sealed class InputTests
{
    [Theory]
    [InlineData("")]
    [InlineData("daemon")]
    [InlineData("shim")]
    public async Task An_input_outlives_its_writers_and_ends_with_CloseIO(string killed)
    {
        var place = Directory.CreateTempSubdirectory("supervisor-input-");
        try
        {
            await using var daemon = await DaemonProcess.StartAsync();
            using var client = new CrashClient(daemon);
            var (stdin, stdout) = (Path.Join(place.FullName, "in"), Path.Join(place.FullName, "out"));
            using (var make = System.Diagnostics.Process.Start("mkfifo", [stdin, stdout])) await make.WaitForExitAsync();
            await client.CreateContainer("i", "cat");
            await using var output = new FileStream(stdout, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 1);
            await client.CreateTask("i", new CreateTaskRequest { Stdin = stdin, Stdout = stdout });
            await client.Start("i");
            await Say("one\n");
            if (killed is "daemon")
            {
                await daemon.KillAsync();
                await daemon.RestartAsync();
            }
            if (killed is "shim") await StormTests.Signal("-KILL", daemon.ShimPids.Single());
            await Say("two\n");
            await CrashClient.Ask(
                () => client.Tasks.CloseIOAsync(new CloseIORequest { ContainerId = "i", Stdin = true }, client.In()));
            Assert.Equal(0u, await client.Wait("i"));
            await client.Remove("i");

            async Task Say(string line)
            {
                // a writer that disconnects
                await using (var input = new FileStream(stdin, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 1))
                    await input.WriteAsync(System.Text.Encoding.UTF8.GetBytes(line));
                var (read, buffer) = ("", new byte[4096]);
                while (read != line)
                    read += System.Text.Encoding.UTF8.GetString(
                    buffer, 0, await output.ReadAsync(buffer).AsTask().WaitAsync(CommandLine.Patience));
            }
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }
}
