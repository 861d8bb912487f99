using System.CommandLine;
using System.Text.Json;
using Supervisor.Cli.Images;
using Supervisor.Cli.Output;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor history</c>: how an image was built. OCI image-spec, config.md, "history".</summary>
internal static class HistoryCommand
{
    private const int CommandWidth = 45;

    public static Command Create()
    {
        var quiet = new Option<bool>("--quiet", "-q") { Description = "The layers' digests only" };
        var whole = new Option<bool>("--no-trunc") { Description = "Do not cut commands" };
        var image = RegistryOptions.Image();
        var command = new Command("history", "Shows the steps an image was built in, the last one first") { whole, quiet, image };
        command.Does(async (parse, client, cancel) =>
        {
            var found = ImageLookup.Find(await ImageLookup.AllAsync(client, cancel), parse.GetRequiredValue(image))[0];
            var documents = await ImageDocuments.ReadAsync(client, found, cancel);
            if (parse.GetValue(quiet))
            {
                foreach (var layer in documents.Manifest.Layers.Reverse()) await Console.Out.WriteLineAsync(layer.Digest);
                return 0;
            }
            await Console.Out.WriteAsync(TextTable.Render(
                ["CREATED", "CREATED BY", "SIZE", "COMMENT"],
                    Steps(documents, parse.GetValue(whole) ? int.MaxValue : CommandWidth)));
            return 0;
        });
        return command;
    }

    private static List<string[]> Steps(ImageDocuments image, int width)
    {
        var layers = new Queue<long>(image.Manifest.Layers.Select(l => l.Size));
        var steps = image.Config.TryGetProperty("history", out var history) && history.ValueKind is JsonValueKind.Array
            ? history.EnumerateArray().Where(s => s.ValueKind is JsonValueKind.Object).Select(s => Step(s, layers, width))
                .ToList() : [];
        // An image need not have a history: its layers are steps all the same.
        steps.AddRange(layers.Select(size => new[] { "-", "", ByteCount.Text(size), "" }));
        steps.Reverse();
        return steps;
    }

    private static string[] Step(JsonElement step, Queue<long> layers, int width)
    {
        var isEmpty = step.TryGetProperty("empty_layer", out var empty) && empty.ValueKind is JsonValueKind.True;
        return
        [
            Text(step, "created") is { Length: > 0 } created ? created : "-", Cut(Text(step, "created_by"), width),
            ByteCount.Text(isEmpty || !layers.TryDequeue(out var size) ? 0 : size), Cut(Text(step, "comment"), width),
        ];
    }

    /// <summary>No text of an image's author may move the cursor of the user's terminal.</summary>
    private static string Text(JsonElement step, string name) =>
        step.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String
            ? string.Concat(value.GetString()!.Select(c => char.IsControl(c) ? ' ' : c)) : "";

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..(width - 1)] + "…";
}
