using Google.Protobuf;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Stdio;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using Supervisor.Storage.Layers;
using Supervisor.Storage.Trees;
using Supervisor.V1;

namespace Supervisor.Cli.Copying;

/// <summary>Copies into a container.</summary>
internal static class CopyIn
{
    /// <summary>A path of ours.</summary>
    /// <param name="archive">With its owners; else they belong to the container's root.</param>
    /// <returns>Bytes of files.</returns>
    public static async Task<long> FromFilesAsync(
        DaemonClient client, CopyPath from, CopyPath to, bool archive, bool follow, CancellationToken cancel)
    {
        using var root = Fd.Open("/", OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
        using var place = TreePlace.Find(root, RawName.Of(from.Absolute), follow);
        if (place.Status is not { } status) throw new CliException($"\"{from.Path}\": no such file or directory");
        if (place.IsDirectoryPath && !status.IsDirectory) throw new CliException($"\"{from.Path}\" is not a directory");
        var name = from.Absolute.TrimEnd('/').Split('/')[^1];
        var facts = new FileFacts
        {
            Name = place.IsContents ? "." : name, Directory = status.IsDirectory, Contents = place.IsContents,
        };
        return await WriteAsync(
            client, new WriteFilesRequest { Id = to.Container, Path = to.Path, File = facts, KeepOwners = archive },
            stream => new TreeArchive(stream, TreeIds.Unchanged, crossMounts: true, cancel)
                .Write(place, place.IsContents, RawName.Of(name)),
            cancel);
    }

    /// <summary>A tar from our standard input.</summary>
    public static Task<long> FromInputAsync(DaemonClient client, CopyPath to, CancellationToken cancel)
    {
        if (!Console.IsInputRedirected) throw new CliException("the input is to be a tar, and is a terminal: redirect it");
        return WriteAsync(client, new WriteFilesRequest { Id = to.Container, Path = to.Path, KeepOwners = true }, stream =>
        {
            using var input = new SafeFileHandle(0, ownsHandle: false);
            var buffer = new byte[128 * 1024];
            while (!StandardStreams.IsMissing(0) && RawIo.Read(input, buffer) is > 0 and var length)
                stream.Write(buffer.AsSpan(0, length));
        }, cancel);
    }

    private static async Task<long> WriteAsync(
        DaemonClient client, WriteFilesRequest request, Action<Stream> write, CancellationToken cancel)
    {
        using var call = client.Files.Write(client.OpenEnded(cancel));
        try
        {
            await call.RequestStream.WriteAsync(request, cancel);
            await Task.Run(() =>
            {
                using var stream = new MessageStream(
                    null, (data, c) => call.RequestStream.WriteAsync(
                        new WriteFilesRequest { Data = UnsafeByteOperations.UnsafeWrap(data) }, c), cancel);
                write(stream);
                stream.Flush();
            }, CancellationToken.None);
            await call.RequestStream.CompleteAsync();
        }
        catch (Exception e) when (e is InvalidOperationException or RpcException)
        {
            // The call has ended before all was sent: its answer says why.
        }
        return (await call).Size;
    }
}
