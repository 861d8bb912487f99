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
    bool ShimPerContainer = false, Func<Props>? Logger = null, JournalMismatch OnMismatch = JournalMismatch.Refuse);

/// <summary>The actor system of one daemon, from start to stop.</summary>
public sealed class SupervisorNode : IAsyncDisposable
{
    private static readonly TimeSpan RecoveryDeadline = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(10);
    private readonly IContainerRuntime _runtime;
    private readonly Readiness _readiness;

    private SupervisorNode(SupervisorSystem system, IContainerRuntime runtime, Readiness readiness) =>
        (System, _runtime, _readiness) = (system, runtime, readiness);

    /// <summary>The running actors.</summary>
    public SupervisorSystem System { get; }

    /// <summary>Completes when a journal write failed: a new node must start from what is journalled.</summary>
    public required Task<JournalLost> JournalLost { get; init; }

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
        var system = ActorSystem.Create("supervisor", config);
        if (options.Logger is { } logger) system.ActorOf(logger(), "logger");
        foreach (var done in repaired) system.Log.Warning("{0}", done);
        if (copy is not null)
            system.Log.Info("the journal was migrated to the present format; a copy of the old one is kept in {0}", copy);
        // The timer wheel starts at its first use, on a thread of the pool, and the caller waits for it: fifty recovering
        // actors would block all of the pool's threads for ten seconds. So the first use is here, on another thread.
        var scheduling = Task.Factory.StartNew(
            () => system.Scheduler.Advanced.ScheduleOnce(TimeSpan.Zero, static () => { }), cancellation,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var lost = new TaskCompletionSource<JournalLost>(TaskCreationOptions.RunContinuationsAsynchronously);
        system.ActorOf(JournalWatch.Props(lost), "journal-watch");
        var space = new JournalSpace();
        system.ActorOf(JournalSpace.Watch.Props(space), "journal-space");
        var publisher = StartPublisher(system); // first: the journal opens its file in the meantime
        var host = new ContainerHost(
            e => system.Log.Error(e, "a callback of the kernel's event loops failed, its watch is removed"));
        var readiness = new Readiness();
        var runtime = Runtime(system, host, options);
        await scheduling.ConfigureAwait(false);
        var node = new SupervisorNode(Start(system, publisher, runtime, readiness, space, options), runtime, readiness) {
            JournalLost = lost.Task };
        try
        {
            var recovered = Task.WhenAll(
                node._readiness.Ready, node.System.KnownNamespaces.Recovered, node.System.KnownLeases.Recovered,
                    node.System.Storage.Known.Recovered);
            if (await Task.WhenAny(recovered, node.JournalLost).WaitAsync(RecoveryDeadline, cancellation)
                .ConfigureAwait(false) == node.JournalLost)
                throw Lost(await node.JournalLost.ConfigureAwait(false));
            var adopted = options.OnMismatch is JournalMismatch.Adopt
                ? await Adoption.RunAsync(
                    node.System.Directory, node.System.Containers, node.System.Namespaces, runtime, TimeProvider.System,
                    system.Log.Warning, cancellation).ConfigureAwait(false)
                : ImmutableHashSet<ContainerId>.Empty;
            await Task.Run(() =>
                Leftovers.Remove(runtime, node.System.Directory, options.State, adopted, system.Log.Warning), cancellation)
                .ConfigureAwait(false);
            var files = node.System.Storage.Files;
            var waiting = node.System.Directory.All.Select(e => e.Task.State).OfType<TaskState.Prepared>()
                .Select(s => s.Restore.Source.Owned).ToHashSet();
            await files.Workers.RunAsync(
                "sweep checkpoints", _ => files.Checkpoints.RemoveAllBut(waiting), files.Limits.LayerDeadline, cancellation)
                .ConfigureAwait(false);
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

    private static IOException Lost(JournalLost lost) => lost.IsPermanent
        ? new JournalUnusableException(
            lost.Reason
            + (lost.Cause is DamagedEventsException damaged ? $"; it holds {JournalContents.Of(damaged.PersistenceId)}" : "")
            + ": running containers are left alone. Restore the journal, or mount what it is on; or start once with --adopt, "
            + "which continues with what "
            + "is left and adopts running containers, or with --forget, which kills and removes them",
            lost.Cause)
        : new IOException(lost.Reason);

    /// <summary>Stops the actors; containers keep running.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await System.System.Terminate().WaitAsync(StopDeadline).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // An actor is stuck; the process exits anyway: the journal holds all that was acknowledged.
        }
        System.Storage.Files.Dispose();
        _runtime.Dispose();
    }

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

    private static SupervisorSystem Start(
        ActorSystem system, IActorRef publisher, IContainerRuntime runtime, Readiness readiness, JournalSpace space,
        NodeOptions options)
    {
        var clock = TimeProvider.System;
        var settings = system.Settings.Config.GetConfig("supervisor");
        var directory = new ContainerDirectory();
        var pool = system.ActorOf(
            KernelPoolActor.Props(
                new KernelTaskEffects(runtime, clock, options.State, options.Criu ?? settings.GetString("criu")), clock,
                settings.GetInt("kernel-pool.workers"), settings.GetTimeSpan("kernel-pool.deadline"),
                settings.GetTimeSpan("kernel-pool.patience"), new KernelExecEffects(runtime, clock)),
            "kernel-pool");
        var reaper = system.ActorOf(ReaperActor.Props(clock), "reaper");
        var clientEvents = system.ActorOf(ClientEventsActor.Props(publisher), "client-events");
        var services = new NodeServices(pool, reaper, publisher, directory, readiness, clock, options.State);
        var containers = system.ActorOf(ContainersActor.Props(services, directory), "containers");
        var (knownNamespaces, knownLeases) = (new NamespaceDirectory(), new LeaseDirectory());
        var leases = system.ActorOf(LeasesActor.Props(knownLeases, clock), "leases");
        var storage = StartStorage(system, options.Root, directory, knownLeases, publisher, readiness, clock);
        var namespaces = system.ActorOf(
            NamespacesActor.Props(knownNamespaces, directory, storage.Known, leases, publisher), "namespaces");
        return new SupervisorSystem(
            system, directory, containers, publisher, clientEvents, namespaces, leases, knownNamespaces, knownLeases) {
            Storage = storage, JournalSpace = space };
    }

    private static StorageSystem StartStorage(
        ActorSystem system, string root, ContainerDirectory containers, LeaseDirectory leases, IActorRef publisher,
            Readiness readiness, TimeProvider clock)
    {
        var settings = system.Settings.Config.GetConfig("supervisor.storage");
        var limits = new StorageLimits(
            settings.GetByteSize("blob-size")!.Value, settings.GetByteSize("layer-size")!.Value,
            settings.GetLong("layer-entries"), settings.GetInt("ingests"),
            settings.GetTimeSpan("deadline"), settings.GetTimeSpan("layer-deadline"));
        var files = new StorageFiles(root, limits, settings.GetInt("workers"));
        var known = new MetadataDirectory();
        var metadata = system.ActorOf(MetadataActor.Props(known, leases, containers, files, publisher), "metadata");
        var collector = system.ActorOf(CollectorActor.Props(metadata, leases, files, readiness, clock), "collector");
        return new StorageSystem(metadata, known, collector, files);
    }
}
