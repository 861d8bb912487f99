using Containerd.Types.Transfer;
using Supervisor.Host.Services.Streaming;
using Supervisor.Registry;
using Supervisor.Registry.Credentials;
using Supervisor.Registry.References;

namespace Supervisor.Host.Services.Transfer;

/// <summary>Credentials that the client has: it is asked on its stream, once for each host.</summary>
internal sealed class StreamCredentials(ClientStream stream, ImageName name)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1); // a person may have to unlock a key

    private readonly Dictionary<string, Task<Credential?>> _asked = new(StringComparer.Ordinal);
    private Task _last = Task.CompletedTask;

    internal Task<Credential?> FindAsync(string host, CancellationToken cancel)
    {
        lock (_asked)
        {
            if (_asked.TryGetValue(host, out var asked)) return asked;
            asked = AfterAsync(_last, host, cancel);
            _last = asked;
            return _asked[host] = asked;
        }
    }

    // One question at a time: an answer does not say to which it belongs.
    private async Task<Credential?> AfterAsync(Task before, string host, CancellationToken cancel)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await AskAsync(host, cancel);
    }

    private async Task<Credential?> AskAsync(string host, CancellationToken cancel)
    {
        using var within = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        within.CancelAfter(Patience);
        try
        {
            await stream.SendAsync(new AuthRequest { Host = host, Reference = name.ToString() }, within.Token);
            var answer = await stream.ReceiveAsync(within.Token) is { } message
                ? StreamMessages.TryUnpack<AuthResponse>(message) : null;
            return answer?.AuthType switch
            {
                AuthType.Credentials => new Credential(answer.Username, answer.Secret, CredentialKind.Password),
                AuthType.Refresh => new Credential("", answer.Secret, CredentialKind.Refresh),
                AuthType.Header => new Credential("", answer.Secret, CredentialKind.Header),
                _ => null,
            };
        }
        catch (IOException)
        {
            return null; // it answers no more: the registry's refusal says that credentials are missing
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new RegistryException(
                RegistryFault.Unauthenticated,
                    $"{host}: the client did not say its credentials within {Patience.TotalSeconds:0} s");
        }
    }
}
