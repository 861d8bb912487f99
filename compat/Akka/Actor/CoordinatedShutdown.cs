using System.Collections.Concurrent;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Actor;

public sealed class CoordinatedShutdownExtension : ExtensionIdProvider<CoordinatedShutdown>
{
    public override CoordinatedShutdown CreateExtension(ExtendedActorSystem system) => new(system);
}

/// <summary>Runs the tasks of the shutdown phases, phase after phase, the tasks of one phase together. Phases, their order and
/// timeouts are in akka.coordinated-shutdown.phases.</summary>
public sealed class CoordinatedShutdown : IExtension
{
    public const string PhaseBeforeServiceUnbind = "before-service-unbind";
    public const string PhaseServiceUnbind = "service-unbind";
    public const string PhaseServiceRequestsDone = "service-requests-done";
    public const string PhaseServiceStop = "service-stop";
    public const string PhaseBeforeClusterShutdown = "before-cluster-shutdown";
    public const string PhaseClusterShardingShutdownRegion = "cluster-sharding-shutdown-region";
    public const string PhaseClusterLeave = "cluster-leave";
    public const string PhaseClusterExiting = "cluster-exiting";
    public const string PhaseClusterExitingDone = "cluster-exiting-done";
    public const string PhaseClusterShutdown = "cluster-shutdown";
    public const string PhaseBeforeActorSystemTerminate = "before-actor-system-terminate";
    public const string PhaseActorSystemTerminate = "actor-system-terminate";

    public abstract class Reason
    {
        public abstract int ExitCode { get; }
    }

    public class UnknownReason : Reason
    {
        public static readonly Reason Instance = new UnknownReason();
        private UnknownReason() { }
        public override int ExitCode => 0;
    }

    public class ActorSystemTerminateReason : Reason
    {
        public static readonly Reason Instance = new ActorSystemTerminateReason();
        private ActorSystemTerminateReason() { }
        public override int ExitCode => 0;
    }

    public class ClrExitReason : Reason
    {
        public static readonly Reason Instance = new ClrExitReason();
        private ClrExitReason() { }
        public override int ExitCode => 0;
    }

    private sealed record Phase(string Name, string[] DependsOn, TimeSpan Timeout, bool Recover, bool Enabled);
    private readonly List<Phase> _phases;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<(string Name, Func<Task<Done>> Task)>> _tasks = new();
    private readonly TaskCompletionSource<Done> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILoggingAdapter _log;
    private Reason _reason;

    internal CoordinatedShutdown(ExtendedActorSystem system)
    {
        System = system;
        _log = Logging.GetLogger(system, this);
        var config = system.Settings.Config.GetConfig("akka.coordinated-shutdown");
        var usual = config.GetTimeSpan("default-phase-timeout", TimeSpan.FromSeconds(5));
        _phases = Sorted([.. config.GetConfig("phases").AsEnumerable().Select(p =>
        {
            var phase = p.Value.ToConfig();
            return new Phase(p.Key, [.. phase.GetStringList("depends-on")], phase.GetTimeSpan("timeout", usual), phase.GetBoolean("recover", true), phase.GetBoolean("enabled", true));
        })]);
        if (!system.Settings.CoordinatedShutdownTerminateActorSystem) return;
        AddTask(PhaseActorSystemTerminate, "terminate-system", async () =>
        {
            ((Internal.ActorSystemImpl)system).TerminateNow();
            await system.WhenTerminated.ConfigureAwait(false);
            return Done.Instance;
        });
    }

    internal static void Start(Internal.ActorSystemImpl system)
    {
        var shutdown = Get(system);
        var config = system.Settings.Config.GetConfig("akka.coordinated-shutdown");
        if (!config.GetBoolean("run-by-clr-shutdown-hook")) return;
        // Weak, so that a system which ended long ago is not kept by the process's event.
        var weak = new WeakReference<CoordinatedShutdown>(shutdown);
        void OnExit(object sender, EventArgs e)
        {
            if (weak.TryGetTarget(out var target) && !target.System.WhenTerminated.IsCompleted) target.Run(ClrExitReason.Instance).Wait(target.TotalTimeout);
        }
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        system.RegisterOnTermination(() => AppDomain.CurrentDomain.ProcessExit -= OnExit);
    }

    public static CoordinatedShutdown Get(ActorSystem sys) => (CoordinatedShutdown)sys.RegisterExtension(new CoordinatedShutdownExtension());

    public ExtendedActorSystem System { get; }
    /// <summary>Null until it runs.</summary>
    public Reason ShutdownReason => Volatile.Read(ref _reason);
    public TimeSpan TotalTimeout => TimeSpan.FromTicks(_phases.Where(p => p.Enabled).Sum(p => p.Timeout.Ticks));

    private Phase Find(string phase) => _phases.FirstOrDefault(p => p.Name == phase)
        ?? throw new ArgumentException($"Unknown phase [{phase}], known phases are [{string.Join(", ", _phases.Select(p => p.Name))}]. All phases (along with their optional dependencies) must be defined in configuration.");

    public TimeSpan Timeout(string phase) => Find(phase).Timeout;

    /// <exception cref="ArgumentException">No such phase.</exception>
    public void AddTask(string phase, string taskName, Func<Task<Done>> task)
    {
        if (string.IsNullOrEmpty(taskName)) throw new ArgumentException("Set a task name when adding tasks to the Coordinated Shutdown. Try to use unique, self-explanatory names.", nameof(taskName));
        _tasks.GetOrAdd(Find(phase).Name, _ => new()).Enqueue((taskName, task));
    }

    /// <summary>Once only: later calls give the task of the first.</summary>
    public Task<Done> Run(Reason reason, string fromPhase = null)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null) return _done.Task;
        var phases = fromPhase is null ? _phases : _phases[_phases.IndexOf(Find(fromPhase))..];
        _ = Task.Run(() => RunPhases(phases));
        return _done.Task;
    }

    private async Task RunPhases(List<Phase> phases)
    {
        try
        {
            foreach (var phase in phases) await RunPhase(phase).ConfigureAwait(false);
            _done.TrySetResult(Done.Instance);
        }
        catch (Exception e)
        {
            _done.TrySetException(e);
        }
        if (System.Settings.Config.GetBoolean("akka.coordinated-shutdown.exit-clr") && ShutdownReason is not ClrExitReason) Environment.Exit(ShutdownReason.ExitCode);
    }

    private async Task RunPhase(Phase phase)
    {
        if (!_tasks.TryGetValue(phase.Name, out var tasks)) return;
        if (!phase.Enabled)
        {
            _log.Info("Phase [{0}] disabled through configuration, skipping [{1}] tasks.", phase.Name, tasks.Count);
            return;
        }
        var all = Task.WhenAll(tasks.Select(t => RunTask(phase, t.Name, t.Task)));
        try
        {
            await all.WaitAsync(phase.Timeout).ConfigureAwait(false);
        }
        catch (TimeoutException e) when (!all.IsCompleted)
        {
            if (!phase.Recover) throw new TimeoutException($"Coordinated shutdown phase [{phase.Name}] timed out after {phase.Timeout}", e);
            _log.Warning("Coordinated shutdown phase [{0}] timed out after {1}", phase.Name, phase.Timeout);
        }
    }

    private async Task RunTask(Phase phase, string name, Func<Task<Done>> task)
    {
        try
        {
            await task().ConfigureAwait(false);
        }
        catch (Exception e) when (phase.Recover)
        {
            _log.Warning("Task [{0}] failed in phase [{1}]: {2}", name, phase.Name, e.Message);
        }
    }

    private static List<Phase> Sorted(Phase[] phases)
    {
        var sorted = new List<Phase>();
        var visiting = new HashSet<string>();
        foreach (var phase in phases.OrderBy(p => p.Name, StringComparer.Ordinal)) Visit(phase);
        return sorted;

        void Visit(Phase phase)
        {
            if (sorted.Contains(phase)) return;
            if (!visiting.Add(phase.Name)) throw new ArgumentException($"Cycle detected in graph of phases. It must be a DAG. phase [{phase.Name}] depends transitively on itself.");
            foreach (var before in phase.DependsOn)
                Visit(phases.FirstOrDefault(p => p.Name == before) ?? new Phase(before, [], phase.Timeout, true, true));
            visiting.Remove(phase.Name);
            sorted.Add(phase);
        }
    }
}
