using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Stdio;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Storage.Files;
using Supervisor.Storage.Trees;
using Supervisor.V1;

namespace Supervisor.Cli.Copying;

/// <summary>Copies from a container.</summary>
internal static class CopyOut
{
    /// <summary>To a path of ours.</summary>
    /// <param name="archive">With the owners in the container; only root can do that.</param>
    /// <returns>Bytes of files.</returns>
    public static async Task<long> ToFilesAsync(
        DaemonClient client, CopyPath from, CopyPath to, bool archive, bool follow, CancellationToken cancel)
    {
        if (archive && !Environment.IsPrivilegedProcess)
            throw new CliException("-a: only root can make files of other users: leave it out, and they are yours");
        using var call = Read(client, from, follow, cancel);
        var facts = await FactsAsync(call, cancel);
        using var tar = MessageStream.Of(call.ResponseStream, m => m.Data.Memory, cancel);
        return await Task.Run(() =>
        {
            using var root = Fd.Open("/", OpenFlags.O_PATH | OpenFlags.O_DIRECTORY);
            using var target = CopyTarget.Choose(
                root, RawName.Of(to.Absolute), new CopySource(RawName.Of(Name(facts)), facts.Directory, facts.Contents));
            try
            {
                using var extraction = new TreeExtraction(target, new ExtractionOptions { KeepsOwners = archive }, cancel);
                var size = extraction.Extract(tar);
                while (tar.ReadByte() >= 0) cancel.ThrowIfCancellationRequested(); // to the call's end: it may have failed there
                target.Complete();
                return size;
            }
            catch
            {
                target.Abandon();
                throw;
            }
        }, CancellationToken.None);
    }

    /// <summary>As a tar on our standard output.</summary>
    public static async Task ToOutputAsync(DaemonClient client, CopyPath from, bool follow, CancellationToken cancel)
    {
        RefuseTerminal();
        using var call = Read(client, from, follow, cancel);
        await FactsAsync(call, cancel);
        await StandardOutput.PrintAsync(async (output, either) =>
        {
            while (await call.ResponseStream.MoveNext(either))
                await output.WriteAsync(call.ResponseStream.Current.Data.Memory, either);
        }, cancel);
    }

    /// <exception cref="CliException">A tar would be written to a terminal.</exception>
    public static void RefuseTerminal()
    {
        if (!Console.IsOutputRedirected) throw new CliException("the output is a tar, which no terminal shows: redirect it");
    }

    // The daemon takes it from our own path: it is what the copy is called in a directory.
    private static string Name(FileFacts facts) => facts.Contents ? "contents" : facts.Name;

    private static AsyncServerStreamingCall<ReadFilesResponse> Read(
        DaemonClient client, CopyPath from, bool follow, CancellationToken cancel) => client.Files.Read(
            new ReadFilesRequest { Id = from.Container, Path = from.Path, Follow = follow }, client.OpenEnded(cancel));

    private static async Task<FileFacts> FactsAsync(AsyncServerStreamingCall<ReadFilesResponse> call, CancellationToken cancel) =>
        await call.ResponseStream.MoveNext(cancel) && call.ResponseStream.Current.File is { } facts
            ? facts : throw new CliException("the daemon's answer has no facts of the file: is it of another version?");
}
