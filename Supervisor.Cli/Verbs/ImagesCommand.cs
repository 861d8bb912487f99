using System.CommandLine;
using System.Globalization;
using Containerd.Services.Images.V1;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Formatting;
using Supervisor.Cli.Images;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor images</c>: the images of the store.</summary>
internal static class ImagesCommand
{
    private const int ShortId = 12;

    private sealed record Row(Image Image, string Repository, string Tag, DateTimeOffset? Created, long Size);

    public static Command Create()
    {
        var digests = new Option<bool>("--digests") { Description = "Also digests" };
        var format = new Option<string>("--format")
        {
            Description = "table, json (an array), or a template such as '{{.Repository}}:{{.Tag}}'", HelpName =
                "table|json|TEMPLATE",
            DefaultValueFactory = _ => "table",
        };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Ids only" };
        var whole = new Option<bool>("--no-trunc") { Description = "Do not cut ids" };
        var repository = Ids.NoOption(new Argument<string?>("repository")
        {
            Description = "Only this one's: REPOSITORY[:TAG]", Arity = ArgumentArity.ZeroOrOne,
        });
        var command = new Command("images", "Lists images") { digests, format, whole, quiet, repository };
        command.Does(async (parse, client, cancel) =>
        {
            var images = (await ImageLookup.AllAsync(client, cancel)).Where(i => IsOf(i, parse.GetValue(repository)));
            var text = parse.GetRequiredValue(format);
            var template = text is "table" or "json" ? null : Template.Parse(text);
            if (parse.GetValue(quiet))
            {
                foreach (var id in images.Select(ImageLookup.IdOf).Distinct())
                    await Console.Out.WriteLineAsync(parse.GetValue(whole) ? $"sha256:{id}" : id[..ShortId]);
                return 0;
            }
            var rows = new List<Row>();
            foreach (var image in images) rows.Add(await DescribeAsync(client, image, cancel));
            await Console.Out.WriteAsync(text switch
            {
                "table" => Table(rows, parse.GetValue(digests), parse.GetValue(whole)),
                "json" => Json(rows),
                _ => Format.Render(template, Json(rows)),
            });
            return 0;
        });
        return command;
    }

    private static bool IsOf(Image image, string? wanted)
    {
        if (wanted is null) return true;
        var (repository, tag) = ImageLookup.Shown(image.Name);
        return repository == wanted || $"{repository}:{tag}" == wanted || image.Name == wanted;
    }

    private static async Task<Row> DescribeAsync(DaemonClient client, Image image, CancellationToken cancel)
    {
        var (repository, tag) = ImageLookup.Shown(image.Name);
        try
        {
            var documents = await ImageDocuments.ReadAsync(client, image, cancel);
            return new Row(image, repository, tag, documents.Created, await documents.SizeAsync(client, cancel));
        }
        catch (Exception e) when (e is CliException or Grpc.Core.RpcException { StatusCode: Grpc.Core.StatusCode.NotFound })
        {
            return new Row(image, repository, tag, null, image.Target.Size); // of another platform, or incomplete
        }
    }

    private static string Table(IReadOnlyList<Row> rows, bool digests, bool whole)
    {
        string[] heading = ["REPOSITORY", "TAG", .. digests ? ["DIGEST"] : (string[])[], "IMAGE ID", "CREATED", "SIZE"];
        return TextTable.Render(heading, rows.Select(r => (IReadOnlyList<string>)
        [
            r.Repository, r.Tag, .. digests ? [r.Image.Target.Digest] : (string[])[],
            whole ? r.Image.Target.Digest : ImageLookup.IdOf(r.Image)[..ShortId],
            r.Created?.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "-", ByteCount.Text(r.Size),
        ]));
    }

    private static string Json(IReadOnlyList<Row> rows) => JsonOutput.Render(json =>
    {
        json.WriteStartArray();
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("id", row.Image.Target.Digest);
            json.WriteString("name", row.Image.Name);
            json.WriteString("repository", row.Repository);
            json.WriteString("tag", row.Tag);
            json.WriteString("digest", row.Image.Target.Digest);
            if (row.Created is { } created) json.WriteString("createdAt", created);
            else json.WriteNull("createdAt");
            json.WriteNumber("size", row.Size);
            json.WriteMap("labels", row.Image.Labels);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }) + "\n";
}
