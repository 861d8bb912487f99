using System.CommandLine;
using Grpc.Core;
using Supervisor.Cli.Copying;
using Supervisor.Cli.Parsing;
using Supervisor.Cli.Stdio;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using Supervisor.Storage.Trees;
using Supervisor.V1;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor export</c>: the root file system of a container as a tar.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var output = new Option<string?>("--output", "-o") { Description = "Write to a file", HelpName = "FILE" };
        var id = Ids.One();
        var command = new Command("export", "Writes the root file system of a container, without its mounts, as a tar")
        {
            output, id,
        };
        command.Does(async (parse, client, cancel) =>
        {
            var file = parse.GetValue(output);
            if (file is null) CopyOut.RefuseTerminal();
            using var call = client.Files.Export(
                new ExportRequest { Id = parse.GetRequiredValue(id) }, client.OpenEnded(cancel));
            if (file is null)
                await StandardOutput.PrintAsync((stream, either) => WriteAsync(call, stream, either), cancel);
            else await ToFileAsync(call, file, cancel);
            return 0;
        });
        return command;
    }

    /// <summary>A regular file gets its name when it is complete; a device or a FIFO is written to.</summary>
    private static async Task ToFileAsync(AsyncServerStreamingCall<ExportResponse> call, string file, CancellationToken cancel)
    {
        var path = Path.GetFullPath(file);
        using var root = Fd.Open("/", OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        using var place = TreePlace.Find(root, RawName.Of(path), follow: true);
        if (place.Status is { Kind: not NodeKind.File })
        {
            await using var device = new FileStream(path, FileMode.Open, FileAccess.Write);
            await WriteAsync(call, device, cancel);
            return;
        }
        var written = $"{path}.{Guid.NewGuid():n}";
        try
        {
            await using (var stream = new FileStream(written, FileMode.CreateNew, FileAccess.Write))
                await WriteAsync(call, stream, cancel);
            File.Move(written, path, overwrite: true);
        }
        catch
        {
            File.Delete(written);
            throw;
        }
    }

    private static async Task WriteAsync(AsyncServerStreamingCall<ExportResponse> call, Stream stream, CancellationToken cancel)
    {
        while (await call.ResponseStream.MoveNext(cancel))
            await stream.WriteAsync(call.ResponseStream.Current.Data.Memory, cancel);
    }
}
