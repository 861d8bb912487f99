using System.CommandLine;
using Containerd.Types.Transfer;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Images;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor save</c>: images into an archive that docker loads, too.</summary>
internal static class SaveCommand
{
    public static Command Create()
    {
        var output = new Option<string?>("--output", "-o") { Description = "The archive (default: standard output)", HelpName =
            "FILE" };
        var platform = RegistryOptions.PlatformOption();
        platform.Description = "Only this platform of each image, e.g. linux/arm64";
        var images = RegistryOptions.Images();
        var command = new Command("save", "Writes images to an archive") { output, platform, images };
        command.Does(async (parse, client, cancel) =>
        {
            var file = parse.GetValue(output);
            if (file is null && !Console.IsOutputRedirected)
                throw new CliException("standard output is a terminal: name the archive with --output, or \"save IMAGE >FILE\"");
            var all = await ImageLookup.AllAsync(client, cancel);
            var names = parse.GetRequiredValue(images).SelectMany(word => ImageLookup.Find(all, word)).Select(i => i.Name)
                .Distinct();
            using var stream = await NamedStream.OpenAsync(client, "archive", cancel);
            var source = new ImageStore { ExtraReferences = { names.Select(n => new ImageReference { Name = n }) } };
            var destination = new ImageExportStream { Stream = stream.Name, AllPlatforms = parse.GetValue(platform) is null };
            if (parse.GetValue(platform) is { } only) destination.Platforms.Add(RegistryOptions.Message(only));
            await WriteAsync(file, async to =>
            {
                var receiving = ImageTransfer.ReceiveAsync(stream, to, cancel);
                await ImageTransfer.RunAsync(client, source, destination, null, cancel);
                await receiving;
            });
            return 0;
        });
        return command;
    }

    // An archive that is not complete is not left under its name.
    private static async Task WriteAsync(string? file, Func<Stream, Task> write)
    {
        if (file is null)
        {
            await using var output = Console.OpenStandardOutput();
            await write(output);
            return;
        }
        var draft = $"{file}.{Environment.ProcessId}.part";
        try
        {
            await using (var to = new FileStream(draft, new FileStreamOptions {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode =
                    UnixFileMode.UserRead | UnixFileMode.UserWrite }))
                await write(to);
            File.Move(draft, file, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }
}
