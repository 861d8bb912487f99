using System.CommandLine;
using Containerd.Services.Containers.V1;
using Containerd.Services.Images.V1;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Images;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor rmi</c>: removes names of images, and with its last name an image.</summary>
internal static class RmiCommand
{
    public static Command Create()
    {
        var force = new Option<bool>("--force", "-f") { Description =
            "Also an image that containers were made from, or all names of an id" };
        var images = RegistryOptions.Images();
        var command = new Command("rmi", "Removes images") { force, images };
        command.Does((parse, client, cancel) => Each.DoAsync(
            parse.GetRequiredValue(images), word => RemoveAsync(client, word, parse.GetValue(force), cancel)));
        return command;
    }

    private static async Task RemoveAsync(DaemonClient client, string word, bool force, CancellationToken cancel)
    {
        var all = await ImageLookup.AllAsync(client, cancel);
        var found = ImageLookup.Find(all, word);
        if (found.Count > 1 && !force)
        {
            var names = string.Join(", ", found.Select(i => i.Name));
            throw new CliException($"{word}: the image has several names ({names}): remove one, or all with -f");
        }
        if (!force && await UserAsync(client, found[0], all, cancel) is { } container)
            throw new CliException(
                $"{word}: container {container} was made from it: remove the container first, or use -f");
        foreach (var image in found)
        {
            await client.Images.DeleteAsync(new DeleteImageRequest { Name = image.Name, Sync = true }, client.Call(cancel));
            await Console.Out.WriteLineAsync($"Untagged: {image.Name}");
        }
        if (all.Except(found).All(i => i.Target.Digest != found[0].Target.Digest))
            await Console.Out.WriteLineAsync($"Deleted: {found[0].Target.Digest}");
    }

    /// <summary>A container of an image whose last name this is; null: there is none.</summary>
    private static async Task<string?> UserAsync(
        DaemonClient client, Image image, IReadOnlyList<Image> all, CancellationToken cancel)
    {
        if (all.Count(i => i.Target.Digest == image.Target.Digest) > 1) return null;
        var containers = await client.Containers.ListAsync(new ListContainersRequest(), client.Call(cancel));
        return containers.Containers.FirstOrDefault(c => c.Image == image.Name)?.Id;
    }
}
