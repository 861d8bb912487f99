using System.Collections.Immutable;
using Akka.Actor;
using Containerd.Services.Namespaces.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Supervisor.Actors;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Namespaces;

namespace Supervisor.Host.Services;

/// <summary>containerd.services.namespaces.v1. The header is not needed: the namespace is in the message.</summary>
public sealed class NamespacesService(SupervisorSystem system, TimeProvider clock) : Namespaces.NamespacesBase
{
    /// <summary>
    /// A missing namespace has no labels, and is not an error: clients read its defaults before their first write.
    /// </summary>
    public override Task<GetNamespaceResponse> Get(GetNamespaceRequest request, ServerCallContext context)
    {
        var name = Identifier.Check(request.Name, "name");
        return Task.FromResult(new GetNamespaceResponse { Namespace = Message(name, system.KnownNamespaces.LabelsOf(name)) });
    }

    /// <inheritdoc/>
    public override Task<ListNamespacesResponse> List(ListNamespacesRequest request, ServerCallContext context)
    {
        var names = system.KnownNamespaces.All.Keys.Union(system.Directory.Namespaces(), StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);
        return Task.FromResult(
            new ListNamespacesResponse { Namespaces = { names.Select(n => Message(n, system.KnownNamespaces.LabelsOf(n))) } });
    }

    /// <inheritdoc/>
    public override async Task<CreateNamespaceResponse> Create(CreateNamespaceRequest request, ServerCallContext context)
    {
        var (name, labels) = Checked(request.Namespace);
        var reply = await AskAsync(
            new NamespaceCommand.Create(name, clock.GetUtcNow(), labels, PublishedIn(name, context)), context);
        return new CreateNamespaceResponse { Namespace = Message(name, reply.Labels) };
    }

    /// <inheritdoc/>
    public override async Task<UpdateNamespaceResponse> Update(UpdateNamespaceRequest request, ServerCallContext context)
    {
        var (name, labels) = Checked(request.Namespace);
        var paths = request.UpdateMask?.Paths.ToImmutableArray() ?? [];
        var reply = await AskAsync(
            new NamespaceCommand.Update(name, clock.GetUtcNow(), labels, paths, PublishedIn(name, context)), context);
        return new UpdateNamespaceResponse { Namespace = Message(name, reply.Labels) };
    }

    /// <inheritdoc/>
    public override async Task<Empty> Delete(DeleteNamespaceRequest request, ServerCallContext context)
    {
        await AskAsync(new NamespaceCommand.Delete(Identifier.Check(request.Name, "name"), clock.GetUtcNow()), context);
        return new Empty();
    }

    private async Task<NamespaceReply> AskAsync(NamespaceCommand command, ServerCallContext context)
    {
        var reply = await system.Namespaces.Ask<NamespaceReply>(command, context.TimeLeft(clock), context.CancellationToken);
        return reply.Refusal is { } refusal ? throw refusal.ToRpcException() : reply;
    }

    private static (string Name, ImmutableSortedDictionary<string, string> Labels) Checked(Namespace? message)
    {
        if (message is null) throw new InvalidFieldException("namespace", "must be set");
        return (Identifier.Check(message.Name, "namespace.name"), message.Labels.ToLabels("namespace.labels", keepEmpty: true));
    }

    /// <summary>The event is published in the caller's namespace; without one, in the namespace itself.</summary>
    private static string PublishedIn(string name, ServerCallContext context) =>
        context.TryGetNamespace() is { Length: > 0 } caller ? Identifier.Check(caller, "containerd-namespace") : name;

    private static Namespace Message(string name, ImmutableSortedDictionary<string, string> labels) =>
        new() { Name = name, Labels = { labels } };
}
