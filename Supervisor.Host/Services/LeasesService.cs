using System.Security.Cryptography;
using Akka.Actor;
using Containerd.Services.Leases.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Leases;
using Supervisor.Host.Filters;
using Supervisor.Host.Services.Storage;
using Lease = Supervisor.Actors.Leases.Lease;
using LeaseMessage = Containerd.Services.Leases.V1.Lease;

namespace Supervisor.Host.Services;

/// <summary>containerd.services.leases.v1.</summary>
public sealed class LeasesService(SupervisorSystem system, NamespaceRegistry namespaces, StorageCalls storage, TimeProvider clock)
    : Leases.LeasesBase
{
    /// <summary>For an empty id the daemon chooses one.</summary>
    public override async Task<CreateResponse> Create(CreateRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        var id = request.Id.Length > 0 ? LeaseId.Check(request.Id, "id") : NewId();
        var labels = request.Labels.ToLabels("labels");
        await namespaces.EnsureAsync(@namespace, context);
        var reply = await AskAsync(new LeaseCommand.Create(new LeaseKey(@namespace, id), clock.GetUtcNow(), labels), context);
        return new CreateResponse { Lease = Message(reply.Lease!) };
    }

    /// <summary>With <c>sync</c>, it replies after what only this lease kept is removed from disk.</summary>
    public override async Task<Empty> Delete(DeleteRequest request, ServerCallContext context)
    {
        await AskAsync(new LeaseCommand.Delete(Key(request.Id, context), clock.GetUtcNow()), context);
        if (request.Sync) await storage.CollectAsync(context);
        else storage.CollectSoon();
        return new Empty();
    }

    /// <inheritdoc/>
    public override Task<ListResponse> List(ListRequest request, ServerCallContext context)
    {
        var now = clock.GetUtcNow();
        var @namespace = context.RequireNamespace();
        var filters = FilterSet.Parse(request.Filters);
        var all = system.KnownLeases.InNamespace(@namespace);
        if (all.Any(l => l.HasExpired(now))) system.Leases.Tell(new LeaseCommand.Expire(now), ActorRefs.NoSender);
        var live = all.Where(l => !l.HasExpired(now) && filters.Matches(RecordFields.Of(l)));
        return Task.FromResult(new ListResponse { Leases = { live.Select(Message) } });
    }

    /// <inheritdoc/>
    public override async Task<Empty> AddResource(AddResourceRequest request, ServerCallContext context)
    {
        var key = Key(request.Id, context);
        await AskAsync(new LeaseCommand.AddResource(key, clock.GetUtcNow(), Checked(request.Resource)), context);
        return new Empty();
    }

    /// <inheritdoc/>
    public override async Task<Empty> DeleteResource(DeleteResourceRequest request, ServerCallContext context)
    {
        var key = Key(request.Id, context);
        await AskAsync(new LeaseCommand.RemoveResource(key, clock.GetUtcNow(), Checked(request.Resource)), context);
        return new Empty();
    }

    /// <inheritdoc/>
    public override Task<ListResourcesResponse> ListResources(ListResourcesRequest request, ServerCallContext context)
    {
        var key = Key(request.Id, context);
        var lease = system.KnownLeases.Find(key);
        if (lease is null || lease.HasExpired(clock.GetUtcNow()))
            throw GrpcTranslation.Refuse(StatusCode.NotFound, $"lease \"{key.Id}\": not found");
        var resources = lease.Resources.OrderBy(r => r.Type, StringComparer.Ordinal).ThenBy(r => r.Id, StringComparer.Ordinal);
        return Task.FromResult(
            new ListResourcesResponse { Resources = { resources.Select(r => new Resource { Id = r.Id, Type = r.Type }) } });
    }

    private async Task<LeaseReply> AskAsync(LeaseCommand command, ServerCallContext context)
    {
        var reply = await system.Leases.Ask<LeaseReply>(command, context.TimeLeft(clock), context.CancellationToken);
        return reply.Refusal is { } refusal ? throw refusal.ToRpcException() : reply;
    }

    private static LeaseKey Key(string id, ServerCallContext context) => new(context.RequireNamespace(), LeaseId.Check(id, "id"));

    private static LeasedResource Checked(Resource? resource)
    {
        if (resource is null) throw new InvalidFieldException("resource", "must be set");
        if (resource.Id.Length is 0 or > 4096)
            throw new InvalidFieldException("resource.id", "must be 1 to 4096 characters long");
        return resource.Type.Split('/') switch
        {
            ["content"] or ["ingests"] => new LeasedResource(resource.Type, resource.Id),
            ["snapshots", var snapshotter] =>
                new LeasedResource($"snapshots/{Identifier.Check(snapshotter, "resource.type")}", resource.Id),
            _ => throw GrpcTranslation.Refuse(
                StatusCode.Unimplemented,
                $"resource type {resource.Type[..Math.Min(resource.Type.Length, 64)]} not supported yet: not implemented"),
        };
    }

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    private static LeaseMessage Message(Lease lease) => new()
    {
        Id = lease.Key.Id,
        CreatedAt = lease.CreatedAt.ToTimestamp(),
        Labels = { lease.Labels },
    };
}
