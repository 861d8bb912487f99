using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Akka.Actor;
using Supervisor.Actors;
using Supervisor.Actors.Leases;
using Supervisor.Host.Services.Storage;

namespace Supervisor.Host.Services.Transfer;

/// <summary>Keeps what a transfer has brought from the collector, until an image refers to it.</summary>
public sealed class TransferLeases(SupervisorSystem system, StorageCalls storage, TimeProvider clock)
{
    private const string Expiry = "containerd.io/gc.expire";

    /// <summary>After this, what a daemon that was killed had brought is collected.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Does the work under the caller's lease, or under one that is deleted at its end.</summary>
    /// <exception cref="Grpc.Core.RpcException">NOT_FOUND: the caller's lease does not exist.</exception>
    public async Task WithAsync(StorageCaller caller, Func<StorageCaller, Task> work)
    {
        if (caller.Lease is not null)
        {
            await work(caller);
            return;
        }
        var now = clock.GetUtcNow();
        var key = new LeaseKey(caller.Namespace, $"transfer-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}");
        var labels = ImmutableSortedDictionary<string, string>.Empty
            .Add(Expiry, (now + Lifetime).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        await AskAsync(new LeaseCommand.Create(key, now, labels));
        try
        {
            await work(caller with { Lease = key });
        }
        finally
        {
            await AskAsync(new LeaseCommand.Delete(key, clock.GetUtcNow())); // also when the client has gone
            storage.CollectSoon();
        }
    }

    private async Task AskAsync(LeaseCommand command)
    {
        var reply = await system.Leases.Ask<LeaseReply>(command, Patience);
        if (reply.Refusal is { } refusal) throw refusal.ToRpcException();
    }
}
