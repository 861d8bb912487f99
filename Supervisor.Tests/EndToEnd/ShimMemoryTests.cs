using static Supervisor.Tests.EndToEnd.CommandLine;

namespace Supervisor.Tests.EndToEnd;

/// <summary>The shim stays on a machine as long as containers do: it has no library that it does not need.</summary>
public sealed class ShimMemoryTests
{
    [Fact]
    public async Task A_shim_with_containers_has_not_loaded_openssl()
    {
        await using var daemon = await DaemonProcess.StartAsync();
        Ok(await daemon.Do("run", "-d", "--name", "a", "--rootfs", "/", "--", "sleep", "1000"));
        Ok(await daemon.Do("exec", "a", "true"));
        var maps = await File.ReadAllTextAsync($"/proc/{daemon.ShimPid}/maps");
        Assert.Contains("libseccomp", maps, StringComparison.Ordinal); // the filter was compiled there
        Assert.DoesNotContain("libcrypto", maps, StringComparison.Ordinal);
        Assert.DoesNotContain("libssl", maps, StringComparison.Ordinal);
    }
}
