using System.CommandLine;
using Containerd.Types.Transfer;
using Supervisor.Cli.Images;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor push</c>: an image to its registry.</summary>
internal static class PushCommand
{
    public static Command Create()
    {
        var (quiet, plain, platform, image) = (
            RegistryOptions.Quiet(), RegistryOptions.PlainHttp(), RegistryOptions.PlatformOption(), RegistryOptions.Image());
        platform.Description = "Only this platform of the image, e.g. linux/arm64";
        var command = new Command("push", "Sends an image to a registry") { platform, plain, quiet, image };
        command.Does(async (parse, client, cancel) =>
        {
            var found = ImageLookup.Find(await ImageLookup.AllAsync(client, cancel), parse.GetRequiredValue(image))[0];
            var registry = RegistryOptions.Registry(ImageLookup.Name(found.Name), parse.GetValue(plain));
            var store = new ImageStore { Name = found.Name };
            if (parse.GetValue(platform) is { } only) store.Platforms.Add(RegistryOptions.Message(only));
            await ImageTransfer.RunAsync(
                client, store, registry, registry, Logins.FindAsync,
                parse.GetValue(quiet) ? null : TransferDisplay.OnErrors(), cancel);
            await Console.Out.WriteLineAsync($"{found.Name}@{found.Target.Digest}");
            return 0;
        });
        return command;
    }
}
