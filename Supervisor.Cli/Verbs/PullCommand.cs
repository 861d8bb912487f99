using System.CommandLine;
using Containerd.Types.Transfer;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Images;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor pull</c>: an image from its registry, unpacked.</summary>
internal static class PullCommand
{
    public static Command Create()
    {
        var (quiet, plain, platform, image) = (
            RegistryOptions.Quiet(), RegistryOptions.PlainHttp(), RegistryOptions.PlatformOption(), RegistryOptions.Image());
        var command = new Command("pull", "Fetches an image from a registry") { platform, plain, quiet, image };
        command.Does(async (parse, client, cancel) =>
        {
            var name = await PullAsync(
                client, parse.GetRequiredValue(image), parse.GetValue(platform), parse.GetValue(plain),
                parse.GetValue(quiet) ? null : TransferDisplay.OnErrors(), cancel);
            await Console.Out.WriteLineAsync(name);
            return 0;
        });
        return command;
    }

    /// <returns>The image's name in full.</returns>
    internal static async Task<string> PullAsync(
        DaemonClient client, string image, string? platform, bool plain, TransferDisplay? display, CancellationToken cancel)
    {
        var name = ImageLookup.Name(image);
        var (registry, wanted) = (RegistryOptions.Registry(name, plain), RegistryOptions.Message(platform));
        var store = new ImageStore
        {
            Name = name.ToString(), Platforms = { wanted }, Unpacks = { new UnpackConfiguration { Platform = wanted } },
        };
        await ImageTransfer.RunAsync(client, registry, store, registry, Logins.FindAsync, display, cancel);
        return name.ToString();
    }
}
