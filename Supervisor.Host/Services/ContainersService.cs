using Containerd.Services.Containers.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Identity;
using Supervisor.Host.Filters;

namespace Supervisor.Host.Services;

/// <summary>containerd.services.containers.v1: translates requests and replies. Reads ask no actor.</summary>
public sealed class ContainersService(
    SupervisorSystem system, NamespaceRegistry namespaces, ContainerDeletion deletion, TimeProvider clock)
    : Containers.ContainersBase
{
    /// <inheritdoc/>
    public override async Task<CreateContainerResponse> Create(CreateContainerRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        var container = request.Container ?? throw new InvalidFieldException("container", "must be set");
        var id = ContainerId.Parse(@namespace, container.Id, "container.id");
        if (string.IsNullOrEmpty(container.Runtime?.Name))
            throw new InvalidFieldException("container.runtime.name", "must be set");
        if (container.Spec is null) throw new InvalidFieldException("container.spec", "must be set");
        if (container.SnapshotKey.Length > 0 && container.Snapshotter.Length == 0)
            throw new InvalidFieldException("container.snapshotter", "must be set if container.snapshot_key is set");
        AutoRemoval.Check(container.Labels);
        await namespaces.EnsureAsync(@namespace, context);
        var command = new ContainerCommand.Create(id, clock.GetUtcNow(), container.ToRecord(id));
        var record = await system.Containers.AskAsync(command, context, clock);
        return new CreateContainerResponse { Container = record.ToMessage() };
    }

    /// <inheritdoc/>
    public override Task<GetContainerResponse> Get(GetContainerRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.Id, "id");
        return Task.FromResult(new GetContainerResponse { Container = Find(id, "").Record.ToMessage() });
    }

    /// <inheritdoc/>
    public override Task<ListContainersResponse> List(ListContainersRequest request, ServerCallContext context) =>
        Task.FromResult(new ListContainersResponse { Containers = { Listed(request, context).Select(r => r.ToMessage()) } });

    /// <inheritdoc/>
    public override async Task ListStream(
        ListContainersRequest request, IServerStreamWriter<ListContainerMessage> responseStream, ServerCallContext context)
    {
        foreach (var record in Listed(request, context))
            await responseStream.WriteAsync(
                new ListContainerMessage { Container = record.ToMessage() }, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<UpdateContainerResponse> Update(UpdateContainerRequest request, ServerCallContext context)
    {
        var container = request.Container ?? throw new InvalidFieldException("container", "must be set");
        var id = context.ContainerId(container.Id, "container.id");
        AutoRemoval.Check(container.Labels);
        var record = container.ToRecord(id, keepEmptyLabels: true);
        var command = new ContainerCommand.Update(id, clock.GetUtcNow(), record, [.. request.UpdateMask?.Paths ?? []]);
        var updated = await Find(id, "cannot update ").Container.AskAsync(command, context, clock);
        return new UpdateContainerResponse { Container = updated.ToMessage() };
    }

    /// <inheritdoc/>
    public override async Task<Empty> Delete(DeleteContainerRequest request, ServerCallContext context)
    {
        var id = context.ContainerId(request.Id, "id");
        var entry = Find(id, "cannot delete ");
        return await deletion.DeleteAsync(entry, context.TimeLeft(clock), context.CancellationToken) is { } refusal
            ? throw refusal.ToRpcException() : new Empty();
    }

    private IEnumerable<ContainerRecord> Listed(ListContainersRequest request, ServerCallContext context)
    {
        var @namespace = context.RequireNamespace();
        var filters = FilterSet.Parse(request.Filters);
        return system.Directory.InNamespace(@namespace).Select(e => e.Record).Where(r => filters.Matches(RecordFields.Of(r)));
    }

    private ContainerView Find(ContainerId id, string failed) =>
        system.Directory.Get(id, failed);
}
