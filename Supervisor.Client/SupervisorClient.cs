using Containerd.Services.Containers.V1;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Client.Connection;
using Supervisor.Client.Errors;
using Supervisor.Client.Events;

namespace Supervisor.Client;

/// <summary>A client of a Supervisor daemon or of containerd (1.6 or later), over its unix socket.</summary>
/// <remarks>
/// It connects at the first call, and again when the daemon was restarted. All members may be called concurrently. Every
/// failure is a <see cref="ClientException"/>. The interface is that of moby's libcontainerd (types.go).
/// </remarks>
public sealed class SupervisorClient : IDisposable
{
    private readonly DaemonConnection _connection;

    /// <param name="options">Null: the default socket and namespace.</param>
    public SupervisorClient(ClientOptions? options = null)
    {
        _connection = new DaemonConnection(options ?? new ClientOptions());
        Supervisor = new SupervisorCalls(_connection);
    }

    /// <summary>As given.</summary>
    public ClientOptions Options => _connection.Options;

    /// <summary>What only a Supervisor daemon can do; on containerd these calls are Unimplemented.</summary>
    public SupervisorCalls Supervisor { get; }

    /// <summary>The server's version.</summary>
    public async Task<ServerVersion> VersionAsync(CancellationToken cancel = default)
    {
        var answer = await _connection.CallAsync("version", c => _connection.Version.VersionAsync(new Empty(), c), cancel);
        return new ServerVersion(answer.Version, answer.Revision);
    }

    /// <summary>A container's record.</summary>
    /// <exception cref="ClientException">NotFound.</exception>
    public async Task<Container> LoadContainerAsync(string id, CancellationToken cancel = default)
    {
        var answer = await _connection.CallAsync($"load container {id}",
            c => _connection.Containers.GetAsync(new GetContainerRequest { Id = id }, c), cancel);
        return new Container(_connection, answer.Container);
    }

    /// <summary>Creates a container: a record, without a process.</summary>
    /// <param name="id">1 to 76 letters and digits, with single . _ - between them; unique in the namespace.</param>
    /// <param name="spec">JSON of an OCI runtime spec (config.json).</param>
    /// <param name="options">Null: no labels, no snapshot, the daemon's usual runtime.</param>
    /// <param name="cancel">Ends the call.</param>
    /// <exception cref="ClientException">AlreadyExists; InvalidArgument, naming the field.</exception>
    public async Task<Container> NewContainerAsync(
        string id, string spec, ContainerOptions? options = null, CancellationToken cancel = default)
    {
        options ??= new ContainerOptions();
        Identifier.Check(id, "id");
        if (options.SnapshotKey.Length > 0 && options.Snapshotter.Length == 0)
            throw new ClientException(
                ErrorCode.InvalidArgument, $"snapshotter: the snapshot {options.SnapshotKey} needs its name");
        var record = new Containerd.Services.Containers.V1.Container
        {
            Id = id,
            Spec = JsonSpec.Pack(spec, "Spec", "spec"),
            Image = options.Image,
            Snapshotter = options.Snapshotter,
            SnapshotKey = options.SnapshotKey,
            Runtime = new() { Name = options.Runtime, Options = options.RuntimeOptions },
            Labels = { options.Labels },
        };
        var answer = await _connection.CallAsync($"create container {id}",
            c => _connection.Containers.CreateAsync(new CreateContainerRequest { Container = record }, c), cancel);
        return new Container(_connection, answer.Container);
    }

    /// <summary>The containers of the namespace.</summary>
    /// <param name="filters">
    /// containerd's filters, e.g. <c>labels.role==web</c>: a container is listed if any of them matches, or if there are none.
    /// </param>
    /// <param name="cancel">Ends the call.</param>
    public async Task<IReadOnlyList<Container>> ContainersAsync(
        IEnumerable<string>? filters = null, CancellationToken cancel = default)
    {
        var request = new ListContainersRequest { Filters = { filters ?? [] } };
        var answer = await _connection.CallAsync("list containers", c => _connection.Containers.ListAsync(request, c), cancel);
        return [.. answer.Containers.Select(c => new Container(_connection, c))];
    }

    /// <summary>Subscribes to the events of the namespace's tasks. It returns when the subscription is established.</summary>
    /// <remarks>
    /// containerd does not report when that is. The method then returns when a call made after it was answered, which is the best
    /// sign there is.
    /// </remarks>
    public Task<EventSubscription> SubscribeAsync(CancellationToken cancel = default) =>
        EventSubscription.OpenAsync(_connection, from: 0, cancel);

    /// <summary>New events of the namespace's tasks, until cancelled; see <see cref="EventSubscription"/>.</summary>
    public async IAsyncEnumerable<ProcessEvent> EventsAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel = default)
    {
        await using var subscription = await SubscribeAsync(cancel);
        await foreach (var @event in subscription.WithCancellation(cancel)) yield return @event;
    }

    /// <summary>Calls back for each new event, one at a time and in order.</summary>
    /// <param name="received">An exception of it ends the subscription, and is the task's.</param>
    /// <param name="cancel">Ends it: the task is then cancelled.</param>
    /// <returns>When the subscription is established: a task that runs until it ends.</returns>
    public async Task<Task> OnEventAsync(Func<ProcessEvent, Task> received, CancellationToken cancel)
    {
        var subscription = await SubscribeAsync(cancel);
        return DeliverAsync();

        async Task DeliverAsync()
        {
            await using (subscription)
                await foreach (var @event in subscription.WithCancellation(cancel)) await received(@event);
        }
    }

    /// <summary>Closes the connection. Processes and their streams stay.</summary>
    public void Dispose() => _connection.Dispose();
}
