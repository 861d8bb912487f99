using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Supervisor.Actors.Containers;
using Supervisor.Actors.Effects;
using Supervisor.Actors.Events;
using Supervisor.Actors.Identity;
using Supervisor.Actors.Images;
using Supervisor.Actors.Leases;
using Supervisor.Actors.Namespaces;
using Supervisor.Actors.Persistence;
using Supervisor.Actors.Tasks;
using Supervisor.Kernel.Files;
using Supervisor.Persistence.Sqlite;
using Supervisor.Persistence.Sqlite.Journal;
using Supervisor.Runtime.Lifecycle;
using Supervisor.Runtime.ShimClient;
using Supervisor.Storage;

namespace Supervisor.Actors;

/// <summary>The options of a node.</summary>
/// <param name="Root">Directory of what outlives the boot: the journal.</param>
/// <param name="State">Directory of what does not outlive the boot: bundles.</param>
/// <param name="Config">hocon/supervisor.hocon, with the user's own in front.</param>
/// <param name="ShimExecutable">supervisor-shim, the parent of containers. Null: this process is the parent, and exits that it
/// has not journalled are lost when it dies.</param>
/// <param name="OwnsProcess">This process is the daemon and nothing else.</param>
/// <param name="Criu">The program that makes checkpoints, in place of the configuration's.</param>
/// <param name="ShimPerContainer">Each container gets a shim of its own, in place of the node's.</param>
/// <param name="OnMismatch">What to do with running containers that are not in the journal, when it is not the journal they
/// were written to.</param>
/// <param name="Logger">The actor that receives the actor system's log events; null for none.</param>
public sealed record NodeOptions(
    string Root, string State, Config Config, string? ShimExecutable = null, bool OwnsProcess = false, string? Criu = null,
    bool ShimPerContainer = false, Props? Logger = null, JournalMismatch OnMismatch = JournalMismatch.Refuse);

/// <summary>The actor system of one daemon, from start to stop.</summary>
public sealed class SupervisorNode : IAsyncDisposable
{
    private static readonly TimeSpan RecoveryDeadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(10);
    private readonly ActorSystem _system;
    private readonly Readiness _readiness = new();
    private readonly TaskCompletionSource<JournalLost> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IContainerRuntime? _runtime;
    private StorageFiles? _files;
    private SupervisorSystem? _started;

    private SupervisorNode(ActorSystem system) => _system = system;

    /// <summary>The running actors.</summary>
    public SupervisorSystem System => _started ?? throw new InvalidOperationException("the actors have not been started");

    /// <summary>Completes when a journal write failed: a new node must start from what is journalled.</summary>
    public Task<JournalLost> JournalLost => _lost.Task;

    /// <summary>Starts the actors, and returns when all actors in the journal have recovered.</summary>
    /// <exception cref="JournalUnusableException">The journal is damaged, or is not the last one written.</exception>
    /// <exception cref="IOException">The journal cannot be read or written; the message says why and what to do.</exception>
    /// <exception cref="TimeoutException">Recovery took more than two minutes: the journal does not answer; the log says
    /// why.</exception>
    public static async Task<SupervisorNode> StartAsync(NodeOptions options, CancellationToken cancellation)
    {
        PrivateFiles.MakeDirectory(options.Root);
        PrivateFiles.MakeDirectory(options.State);
        // SQLite makes its write-ahead log with the mode of the database
        PrivateFiles.Claim(JournalConfig.FileIn(options.Root)).Dispose();
        var copy = JournalMigration.Run(options.Root);
        var config = JournalConfig.With(options.Config, options.Root, options.State);
        var repair = new JournalRepair(config, options.Root, options.State, ContainerJournal.Registered);
        var repaired = options.OnMismatch is JournalMismatch.Refuse ? [] : repair.Run();
        if (options.OnMismatch is JournalMismatch.Adopt) StorageFiles.KeepUnrecorded(options.Root);
        if (options.OnMismatch is JournalMismatch.Forget) StorageFiles.SweepUnrecorded(options.Root);
        try
        {
            return await StartAsync(options, config, copy, repaired, cancellation).ConfigureAwait(false);
        }
        catch (JournalUnusableException e) when (e.InnerException is DamagedEventsException {
            PersistenceId: JournalContents.Registry } && repair.RebuildRegistry() is { } rebuilt)
        {
            return await StartAsync(options, config, copy, [rebuilt], cancellation).ConfigureAwait(false);
        }
    }

    private static async Task<SupervisorNode> StartAsync(
        NodeOptions options, Config config, string? copy, IReadOnlyList<string> repaired, CancellationToken cancellation)
    {
        var node = new SupervisorNode(ActorSystem.Create("supervisor", config));
        try
        {
            if (options.Logger is { } logger) node._system.ActorOf(logger, "logger");
            foreach (var done in repaired) node._system.Log.Warning("{0}", done);
            if (copy is not null)
                node._system.Log.Info(
                    "the journal was migrated to the present format; a copy of the old one is kept in {0}", copy);
            await node.StartActorsAsync(options).ConfigureAwait(false);
            await node.RecoverAsync(options, cancellation).ConfigureAwait(false);
            return node;
        }
        catch (Exception e)
        {
            await node.DisposeAsync().ConfigureAwait(false);
            if (e is TimeoutException)
                throw new TimeoutException(
                    $"the journal in \"{options.Root}\" did not answer within {RecoveryDeadline.TotalSeconds:0} s; the log "
                    + "above says why");
            throw;
        }
    }

    private async Task StartActorsAsync(NodeOptions options)
    {
        // The timer wheel starts at its first use, on a thread of the pool, and the caller waits for it: fifty recovering
        // actors would block all of the pool's threads for ten seconds. So the first use is here, on another thread.
        var scheduling = Task.Factory.StartNew(
            () => _system.Scheduler.Advanced.ScheduleOnce(TimeSpan.Zero, static () => { }), CancellationToken.None,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _system.ActorOf(JournalWatch.Props(_lost), "journal-watch");
        var space = new JournalSpace();
        _system.ActorOf(JournalSpace.Watch.Props(space), "journal-space");
        var publisher = StartPublisher(_system); // first: the journal opens its file in the meantime
        var host = new ContainerHost(
            e => _system.Log.Error(e, "a callback of the kernel's event loops failed, its watch is removed"));
        _runtime = Runtime(_system, host, options);
        await scheduling.ConfigureAwait(false);
        _started = Start(publisher, _runtime, space, options);
    }

    private async Task RecoverAsync(NodeOptions options, CancellationToken cancellation)
    {
        var recovered = Task.WhenAll(
            _readiness.Ready, System.KnownNamespaces.Recovered, System.KnownLeases.Recovered, System.Storage.Known.Recovered);
        if (await Task.WhenAny(recovered, JournalLost).WaitAsync(RecoveryDeadline, cancellation)
            .ConfigureAwait(false) == JournalLost)
            throw Lost(await JournalLost.ConfigureAwait(false));
        var adopted = options.OnMismatch is JournalMismatch.Adopt
            ? await Adoption.RunAsync(
                System.Directory, System.Containers, System.Namespaces, _runtime!, TimeProvider.System, _system.Log.Warning,
                cancellation).ConfigureAwait(false)
            : ImmutableHashSet<ContainerId>.Empty;
        await Task.Run(() =>
            Leftovers.Remove(_runtime!, System.Directory, options.State, adopted, _system.Log.Warning), cancellation)
            .ConfigureAwait(false);
        var files = System.Storage.Files;
        var waiting = System.Directory.All.Select(e => e.Task.State).OfType<TaskState.Prepared>()
            .Select(s => s.Restore.Source.Owned).ToHashSet();
        await files.Workers.RunAsync(
            "sweep checkpoints", _ => files.Checkpoints.RemoveAllBut(waiting), files.Limits.LayerDeadline, cancellation)
            .ConfigureAwait(false);
    }

    /// <summary>Stops the actors; containers keep running.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _system.Terminate().WaitAsync(StopDeadline).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // An actor is stuck; the process exits anyway: the journal holds all that was acknowledged.
        }
        _files?.Dispose();
        _runtime?.Dispose();
    }

    private static IOException Lost(JournalLost lost) => lost.IsPermanent
        ? new JournalUnusableException(
            lost.Reason
            + (lost.Cause is DamagedEventsException damaged ? $"; it holds {JournalContents.Of(damaged.PersistenceId)}" : "")
            + ": running containers are left alone. Restore the journal, or mount what it is on; or start once with --adopt, "
            + "which continues with what "
            + "is left and adopts running containers, or with --forget, which kills and removes them",
            lost.Cause)
        : new IOException(lost.Reason);

    private static IContainerRuntime Runtime(ActorSystem system, ContainerHost host, NodeOptions options)
    {
        if (options.ShimExecutable is not { } executable) return new EmbeddedRuntime(host);
        var shim = new ShimOptions(options.State, executable, message => system.Log.Warning(message), options.OwnsProcess);
        return ShimPool.Start(host, shim, options.ShimPerContainer);
    }

    /// <summary>Subscribes to the journal before any later actor can write an event.</summary>
    private static IActorRef StartPublisher(ActorSystem system)
    {
        var publisher = system.ActorOf(EventPublisherActor.Props(), "events");
        Akka.Persistence.Persistence.Instance.Apply(system).JournalFor("").Tell(TaggedEvents.Subscribe.Instance, publisher);
        return publisher;
    }

    private SupervisorSystem Start(IActorRef publisher, IContainerRuntime runtime, JournalSpace space, NodeOptions options)
    {
        var clock = TimeProvider.System;
        var settings = _system.Settings.Config.GetConfig("supervisor");
        var directory = new ContainerDirectory();
        var pool = _system.ActorOf(
            KernelPoolActor.Props(
                new KernelTaskEffects(runtime, clock, options.State, options.Criu ?? settings.GetString("criu")), clock,
                settings.GetInt("kernel-pool.workers"), settings.GetTimeSpan("kernel-pool.deadline"),
                settings.GetTimeSpan("kernel-pool.patience"), new KernelExecEffects(runtime, clock)),
            "kernel-pool");
        var reaper = _system.ActorOf(ReaperActor.Props(clock), "reaper");
        var clientEvents = _system.ActorOf(ClientEventsActor.Props(publisher), "client-events");
        var services = new NodeServices(pool, reaper, publisher, directory, _readiness, clock, options.State);
        var containers = _system.ActorOf(ContainersActor.Props(services, directory), "containers");
        var (knownNamespaces, knownLeases) = (new NamespaceDirectory(), new LeaseDirectory());
        var leases = _system.ActorOf(LeasesActor.Props(knownLeases, clock), "leases");
        var storage = StartStorage(options.Root, directory, knownLeases, publisher, clock);
        var namespaces = _system.ActorOf(
            NamespacesActor.Props(knownNamespaces, directory, storage.Known, leases, publisher), "namespaces");
        return new SupervisorSystem(
            _system, directory, containers, publisher, clientEvents, namespaces, leases, knownNamespaces, knownLeases) {
            Storage = storage, JournalSpace = space };
    }

    private StorageSystem StartStorage(
        string root, ContainerDirectory containers, LeaseDirectory leases, IActorRef publisher, TimeProvider clock)
    {
        var settings = _system.Settings.Config.GetConfig("supervisor.storage");
        var limits = new StorageLimits(
            settings.GetByteSize("blob-size")!.Value, settings.GetByteSize("layer-size")!.Value,
            settings.GetLong("layer-entries"), settings.GetInt("ingests"),
            settings.GetTimeSpan("deadline"), settings.GetTimeSpan("layer-deadline"));
        var files = _files = new StorageFiles(root, limits, settings.GetInt("workers"));
        var known = new MetadataDirectory();
        var metadata = _system.ActorOf(MetadataActor.Props(known, leases, containers, files, publisher), "metadata");
        var collector = _system.ActorOf(CollectorActor.Props(metadata, leases, files, _readiness, clock), "collector");
        return new StorageSystem(metadata, known, collector, files);
    }
}
