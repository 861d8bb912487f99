using Containerd.Services.Transfer.V1;
using Containerd.Types.Transfer;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Errors;
using Supervisor.Registry.Credentials;

namespace Supervisor.Cli.Images;

/// <summary>One call of the Transfer service, with the streams that it needs.</summary>
internal static class ImageTransfer
{
    private const int Window = 256 * 1024, Piece = 32 * 1024; // bytes; a message may have no more

    /// <summary>Runs it, and shows its progress.</summary>
    public static async Task RunAsync(
        DaemonClient client, IMessage source, IMessage destination, TransferDisplay? display, CancellationToken cancel)
    {
        var request = new TransferRequest { Source = Pack(source), Destination = Pack(destination) };
        using var progress = display is null ? null : await NamedStream.OpenAsync(client, "progress", cancel);
        if (progress is not null) request.Options = new TransferOptions { ProgressStream = progress.Name };
        var showing = progress is null ? Task.CompletedTask : ShowAsync(progress, display!, cancel);
        try
        {
            await client.Transfers.TransferAsync(request, client.OpenEnded(cancel));
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unimplemented && ConnectionFailure.Of(e) is null
            && e.Status.Detail.Length == 0)
        {
            throw new CliException(
                $"the daemon at {client.Address} has no transfers: is it containerd 1.6? \"ctr images\" works there");
        }
        await showing;
    }

    /// <summary>As <see cref="RunAsync"/>, from or to a registry: answers its questions for credentials.</summary>
    /// <param name="registry">Gets the stream's name.</param>
    public static async Task RunAsync(
        DaemonClient client, IMessage source, IMessage destination, OCIRegistry registry, FindCredential find,
        TransferDisplay? display, CancellationToken cancel)
    {
        using var questions = await NamedStream.OpenAsync(client, "credentials", cancel);
        registry.Resolver.AuthStream = questions.Name;
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var answering = AnswerAsync(questions, find, done.Token);
        try
        {
            await RunAsync(client, source, destination, display, cancel);
        }
        catch (RpcException) when (answering.IsFaulted)
        {
            await answering; // why there were no credentials says more than what the registry refused
            throw;
        }
        finally
        {
            await done.CancelAsync();
        }
    }

    /// <summary>Sends a file's bytes, as far as the daemon takes them.</summary>
    public static async Task SendAsync(NamedStream stream, Stream bytes, CancellationToken cancel)
    {
        var piece = new byte[Piece];
        var allowed = 0;
        while (await bytes.ReadAsync(piece, cancel) is > 0 and var got)
        {
            for (var at = 0; at < got;)
            {
                while (allowed == 0)
                {
                    if (await stream.ReceiveAsync(cancel) is not { } update) return; // its answer to the transfer says why
                    allowed += WindowUpdate.Parser.ParseFrom(update).Update;
                }
                var count = Math.Min(got - at, allowed);
                await stream.SendAsync(new Data { Data_ = ByteString.CopyFrom(piece, at, count) });
                (at, allowed) = (at + count, allowed - count);
            }
        }
        await stream.CompleteAsync();
    }

    /// <summary>Writes what the daemon sends, to its end.</summary>
    public static async Task ReceiveAsync(NamedStream stream, Stream to, CancellationToken cancel)
    {
        for (var allowed = 0; ;)
        {
            if (allowed < Window / 2)
            {
                await AllowAsync(stream, Window - allowed);
                allowed = Window;
            }
            if (await stream.ReceiveAsync(cancel) is not { } message) return;
            var data = Data.Parser.ParseFrom(message).Data_;
            allowed -= data.Length;
            await to.WriteAsync(data.Memory, cancel);
        }
    }

    // When the daemon has sent all and closed the stream, what it sent is still to be read.
    private static async Task AllowAsync(NamedStream stream, int count)
    {
        try
        {
            await stream.SendAsync(new WindowUpdate { Update = count });
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // reading says whether it has failed
        }
    }

    private static async Task ShowAsync(NamedStream progress, TransferDisplay display, CancellationToken cancel)
    {
        try
        {
            while (await progress.ReceiveAsync(cancel) is { } message) display.Show(Progress.Parser.ParseFrom(message));
        }
        catch (RpcException)
        {
            // the transfer fails too, and says why
        }
    }

    private static async Task AnswerAsync(NamedStream questions, FindCredential find, CancellationToken cancel)
    {
        try
        {
            while (await questions.ReceiveAsync(cancel) is { } message)
                await questions.SendAsync(Answer(await find(AuthRequest.Parser.ParseFrom(message).Host, cancel)));
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            // the transfer has ended
        }
    }

    private static AuthResponse Answer(Credential? credential) => credential is null ? new AuthResponse() : new AuthResponse
    {
        AuthType = credential.Kind switch
        {
            CredentialKind.Refresh => AuthType.Refresh,
            CredentialKind.Header => AuthType.Header,
            _ => AuthType.Credentials,
        },
        Username = credential.User, Secret = credential.Secret,
    };

    private static Any Pack(IMessage message) => new() { TypeUrl = message.Descriptor.FullName, Value = message.ToByteString() };
}
