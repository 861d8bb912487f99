using System.CommandLine;
using Containerd.Types.Transfer;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Images;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor load</c>: images from an archive.</summary>
internal static class LoadCommand
{
    public static Command Create()
    {
        var input = new Option<string?>("--input", "-i") { Description = "The archive (default: standard input)", HelpName =
            "FILE" };
        var quiet = RegistryOptions.Quiet();
        var platform = RegistryOptions.PlatformOption();
        var command = new Command("load", "Reads images from an archive of save, docker save, or OCI's layout") { input,
            platform, quiet };
        command.Does(async (parse, client, cancel) =>
        {
            if (parse.GetValue(input) is null && !Console.IsInputRedirected)
                throw new CliException("standard input is a terminal: name the archive with --input, or \"load <FILE\"");
            await using var archive = parse.GetValue(input) is { } file ? File.OpenRead(file) : Console.OpenStandardInput();
            var before = (await ImageLookup.AllAsync(client, cancel)).ToDictionary(i => i.Name, i => i.UpdatedAt);
            using var stream = await NamedStream.OpenAsync(client, "archive", cancel);
            var wanted = RegistryOptions.Message(parse.GetValue(platform));
            var store = new ImageStore
            {
                // Names in full only: a tag alone would be added to this one.
                ExtraReferences = { new ImageReference { Name = "docker.io/library/loaded", IsPrefix = true, AllowOverwrite =
                    true } },
                Platforms = { parse.GetValue(platform) is null ? [] : [wanted] },
                Unpacks = { new UnpackConfiguration { Platform = wanted } },
            };
            var sending = ImageTransfer.SendAsync(stream, archive, cancel);
            await ImageTransfer.RunAsync(
                client, new ImageImportStream { Stream = stream.Name }, store,
                parse.GetValue(quiet) ? null : TransferDisplay.OnErrors(), cancel);
            await sending;
            foreach (var image in await ImageLookup.AllAsync(client, cancel))
                if (!before.TryGetValue(image.Name, out var time) || !time.Equals(image.UpdatedAt))
                    await Console.Out.WriteLineAsync($"Loaded image: {image.Name}");
            return 0;
        });
        return command;
    }
}
