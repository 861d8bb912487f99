using System.CommandLine;
using System.Text.Json;
using Containerd.Services.Containers.V1;
using Containerd.Services.Images.V1;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Images;
using Supervisor.Cli.Output;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor image inspect</c> and <c>image prune</c>.</summary>
internal static class ImageCommand
{
    public static Command Create() => new("image", "Looks into images, and removes those that are not used") { Inspect(),
        Prune() };

    private static Command Inspect()
    {
        var format = new Option<string>("--format", "-f")
        {
            Description = "json, or a template such as '{{.Architecture}}'; a line for each image", HelpName = "json|TEMPLATE",
            DefaultValueFactory = _ => "json",
        };
        var images = RegistryOptions.Images();
        var command = new Command("inspect", "Shows images as JSON") { format, images };
        command.Does(async (parse, client, cancel) =>
        {
            var template = parse.GetRequiredValue(format) is not "json" and var text ? Template.Parse(text) : null;
            var all = await ImageLookup.AllAsync(client, cancel);
            var found = new List<(Image Image, ImageDocuments Documents, long Size)>();
            var status = await Each.DoAsync(parse.GetRequiredValue(images), async word =>
            {
                var image = ImageLookup.Find(all, word)[0];
                var documents = await ImageDocuments.ReadAsync(client, image, cancel);
                found.Add((image, documents, await documents.SizeAsync(client, cancel)));
            });
            var rendered = JsonOutput.Render(json =>
            {
                json.WriteStartArray();
                foreach (var (image, documents, size) in found) Write(json, image, documents, size, all);
                json.WriteEndArray();
            });
            await Console.Out.WriteAsync(Format.Render(template, rendered));
            return status;
        });
        return command;
    }

    // docker's names of fields.
    private static void Write(
        Utf8JsonWriter json, Image image, ImageDocuments documents, long size, IReadOnlyList<Image> all)
    {
        json.WriteStartObject();
        json.WriteString("Id", image.Target.Digest);
        json.WriteStartArray("RepoTags");
        foreach (var name in all.Where(i => i.Target.Digest == image.Target.Digest).Select(i => i.Name)) json.WriteStringValue(
            name);
        json.WriteEndArray();
        json.WriteStartArray("RepoDigests");
        json.WriteStringValue($"{ImageLookup.Shown(image.Name).Repository}@{image.Target.Digest}");
        json.WriteEndArray();
        if (documents.Created is { } created) json.WriteString("Created", created);
        else json.WriteNull("Created");
        json.WriteString("Author", documents.Text("author"));
        json.WriteString("Architecture", documents.Text("architecture"));
        json.WriteString("Variant", documents.Text("variant"));
        json.WriteString("Os", documents.Text("os"));
        json.WriteNumber("Size", size);
        json.WritePropertyName("Config");
        if (documents.Config.TryGetProperty("config", out var config)) config.WriteTo(json);
        else json.WriteNullValue();
        json.WriteStartObject("RootFS");
        json.WriteString("Type", "layers");
        json.WriteStartArray("Layers");
        foreach (var id in documents.DiffIds) json.WriteStringValue(id);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static Command Prune()
    {
        var all = new Option<bool>("--all", "-a") { Description = "Every image that no container was made from" };
        var force = new Option<bool>("--force", "-f") { Description = "Do not ask" };
        var command = new Command("prune", "Removes images that are not used") { all, force };
        command.Does(async (parse, client, cancel) =>
        {
            if (!parse.GetValue(all))
            {
                // An image without a name does not exist here: the collector has removed what the last name kept.
                await Console.Out.WriteLineAsync(
                    "nothing to remove: all images have names (--all: those that no container uses)");
                return 0;
            }
            if (!parse.GetValue(force) && !await ConfirmAsync()) return 0;
            var containers = await client.Containers.ListAsync(new ListContainersRequest(), client.Call(cancel));
            var used = containers.Containers.Select(c => c.Image).ToHashSet(StringComparer.Ordinal);
            var images = await ImageLookup.AllAsync(client, cancel);
            var kept = images.Where(i => used.Contains(i.Name)).Select(i => i.Target.Digest).ToHashSet(StringComparer.Ordinal);
            return await Each.DoAsync(images.Where(i => !kept.Contains(i.Target.Digest)).Select(i => i.Name), async name =>
            {
                await client.Images.DeleteAsync(new DeleteImageRequest { Name = name, Sync = true }, client.Call(cancel));
                await Console.Out.WriteLineAsync($"Untagged: {name}");
            });
        });
        return command;
    }

    private static async Task<bool> ConfirmAsync()
    {
        if (Console.IsInputRedirected)
            throw new CliException(
                "--force: needed where no terminal can be asked: all images that no container uses are removed");
        await Console.Error.WriteAsync("All images that no container was made from are removed. Go on? [y/N] ");
        return (await Console.In.ReadLineAsync())?.Trim() is "y" or "Y" or "yes";
    }
}
