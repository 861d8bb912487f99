using Grpc.Reflection;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Console;
using Supervisor.Actors;
using Supervisor.Actors.Persistence;
using Supervisor.Host.Daemon;
using Supervisor.Host.Services;
using Supervisor.Host.Services.Checkpoints;
using Supervisor.Host.Services.Storage;
using Supervisor.Kernel.Processes;
using Supervisor.Persistence.Sqlite;
using Supervisor.Protos;

namespace Supervisor.Host.Hosting;

/// <summary>A running daemon: the actors, and the socket in front of them.</summary>
/// <remarks>
/// It stops in phases, each with a fallback: open streams and waits end with UNAVAILABLE; calls in flight get
/// <see cref="Patience"/> to finish, then their connections are closed; then the actors stop. Containers keep running.
/// </remarks>
public sealed class DaemonHost : IAsyncDisposable
{
    /// <summary>In both directions: containerd's limit, and its clients'.</summary>
    private const int MaximumMessageSize = 16 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), SettleWithin = TimeSpan.FromSeconds(2);

    private readonly WebApplication _app;
    private readonly SupervisorNode _node;
    private readonly DaemonLifetime _lifetime;
    private readonly IReadOnlyList<LockFile> _locks;
    private readonly ILogger _log;
    private readonly ILoggerFactory _loggers;
    private int _stopped;

    private DaemonHost(
        DaemonOptions options, WebApplication app, SupervisorNode node, DaemonLifetime lifetime, IReadOnlyList<LockFile> locks,
            ILoggerFactory loggers)
    {
        (Options, _app, _node, _lifetime, _locks, _loggers) = (options, app, node, lifetime, locks, loggers);
        _log = loggers.CreateLogger<DaemonHost>();
    }

    /// <summary>What it was started with.</summary>
    public DaemonOptions Options { get; }

    /// <summary>The actors behind it.</summary>
    public SupervisorSystem System => _node.System;

    /// <summary>
    /// Completes when a journal write failed and all waiting calls have got the error: this daemon changes nothing more and
    /// must be replaced.
    /// </summary>
    public Task Broken { get; private init; } = Task.CompletedTask;

    /// <summary>
    /// Starts the actors, and listens while they recover: early calls are answered when they have, or fail with the reason why
    /// they cannot.
    /// </summary>
    /// <exception cref="DaemonStartException">The environment does not allow it.</exception>
    /// <exception cref="TimeoutException">The journal does not answer.</exception>
    public static async Task<DaemonHost> StartAsync(DaemonOptions options, CancellationToken cancellation = default)
    {
        DescriptorLimit.Raise();
        if (DescriptorLimit.Current < DescriptorLimit.Least)
            throw new DaemonStartException(
                $"only {DescriptorLimit.Current} descriptors may be open, the daemon needs {DescriptorLimit.Least}: start it "
                    + "with a higher limit (ulimit -n, LimitNOFILE=)");
        PrivateDirectory.Claim(options.Root, PrivateDirectory.OfRoot);
        var reading = Task.Run(() => HoconFiles.Read(options), CancellationToken.None);
        var logging = Task.Run(() => Logging(options), CancellationToken.None);
        // before any thread asks for one
        var describing = Task.Run(() => (Descriptors.Load(), ServiceNames.Descriptors), CancellationToken.None);
        var undo = new Stack<IAsyncDisposable>();
        var lifetime = new DaemonLifetime();
        try
        {
            // Two daemons with one root would write the same journal, with one state directory kill each other's containers,
            // and with one address unlink each other's socket.
            var root = Hold(undo, LockFile.Take(Path.Combine(options.Root, "lock"), $"the root directory {options.Root}"));
            var identity = ServerIdentity.Load(options.Root);
            if (options.State.Length == 0) options = options with { State = StateDirectory.Default(options.Root, identity) };
            PrivateDirectory.Claim(options.State, PrivateDirectory.OfState, groupMayPass: options.Group is not null);
            var state = Hold(undo,
                LockFile.Take(Path.Combine(options.State, "state.lock"), $"the state directory {options.State}"));
            ClaimForSocket(Path.GetDirectoryName(Path.GetFullPath(options.Address))!, options.Group is not null);
            LockFile[] locks = [root, state,
                Hold(undo, LockFile.Take(options.Address + ".lock", $"the address {options.Address}"))];
            ListeningSocket.RemoveStale(options.Address);
            StateDirectory.Own(options, identity, options.OnMismatch);
            PrivateTree.Narrow(options.Root, PrivateTree.OfRoot);
            PrivateTree.Narrow(options.State, PrivateTree.OfState);
            var hocon = await reading;
            await describing;
            // In the meantime the socket is set up and opened: its calls wait for the actors.
            var starting = Task.Run(() => SupervisorNode.StartAsync(
                new NodeOptions(options.Root, options.State, hocon, options.ShimExecutable, options.OwnsProcess, options.Criu,
                    options.ShimPerContainer,
                    () => AkkaLogger.Props(logging.Result), options.OnMismatch),
                cancellation), CancellationToken.None);
            undo.Push(new Disposal<SupervisorNode>(starting));
            var loggers = Hold(undo, await logging);
            var app = Build(options, () => starting.Result.System, identity, lifetime, loggers);
            undo.Push(app);
            await app.StartAsync(cancellation);
            undo.Push(new Listening(app, options.Address));
            var node = await starting;
            _ = app.Services.GetRequiredService<LogLimits>(); // a wrong configuration must fail now
            app.Services.GetRequiredService<HealthService>().BeginServing();
            lifetime.BeReady(node.System.JournalSpace);
            app.Services.GetRequiredService<AutoRemoval>().Begin();
            var log = loggers.CreateLogger<DaemonHost>();
            Log.Listening(log, options.Address, options.Root, options.State);
            if (options.OwnsProcess) _ = CollectStartGarbageAsync(lifetime);
            return new DaemonHost(options, app, node, lifetime, locks, loggers) {
                Broken = BreakAsync(node.JournalLost, lifetime, log) };
        }
        catch (Exception e)
        {
            if (e is OperationCanceledException) lifetime.BeginStop();
            else lifetime.Break($"the daemon cannot start: {e.Message}");
            while (undo.TryPop(out var started)) await started.DisposeAsync();
            lifetime.Dispose();
            if (e is JournalUnusableException) throw new DaemonStartException(e.Message, e);
            throw;
        }
    }

    /// <summary>Stops in the phases described above. Idempotent.</summary>
    public async Task StopAsync(string cause)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0) return;
        Log.Stopping(_log, cause);
        _lifetime.BeginStop();
        using (var patience = new CancellationTokenSource(Patience))
        {
            await _app.StopAsync(patience.Token);
            if (patience.IsCancellationRequested) Log.CallsAborted(_log, Patience.TotalSeconds);
        }
        await _node.DisposeAsync();
        File.Delete(Options.Address);
        Log.Stopped(_log);
        await _app.DisposeAsync();
        _lifetime.Dispose();
        foreach (var taken in _locks) taken.Dispose();
        _loggers.Dispose(); // last: it flushes its queue
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync("disposed");

    /// <summary>
    /// A start leaves some 20 MB of garbage, mostly from reading the configuration; an idle daemon would keep it for hours,
    /// since nothing triggers a collection. Done once, shortly after the start, when no call waits for it: it takes 20 ms.
    /// </summary>
    private static async Task CollectStartGarbageAsync(DaemonLifetime lifetime)
    {
        await Task.Delay(SettleWithin, lifetime.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!lifetime.Stopping.IsCancellationRequested)
            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private static async Task BreakAsync(Task<JournalLost> journalLost, DaemonLifetime lifetime, ILogger log)
    {
        var lost = await journalLost;
        Log.JournalLost(log, lost.Reason);
        lifetime.Break($"cannot write the journal: {lost.Reason}");
    }

    private static WebApplication Build(
        DaemonOptions options, Func<SupervisorSystem> system, ServerIdentity identity, DaemonLifetime lifetime,
        ILoggerFactory loggers)
    {
        // Empty: no configuration files, no environment, no host filtering, no TLS; all that is needed is named here.
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ApplicationName = "supervisor", ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddSingleton(loggers);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(k => Configure(k, options));
        builder.Services.Configure<SocketTransportOptions>(s =>
        {
            s.CreateBoundListenSocket = _ => ListeningSocket.Bind(options.Address, options.Group);
            // safe here: no call blocks the thread that reads its socket, all calls ask actors
            s.UnsafePreferInlineScheduling = true;
        });
        // the command line handles signals: the framework would cancel a start half-way
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(g =>
        {
            g.MaxReceiveMessageSize = g.MaxSendMessageSize = MaximumMessageSize;
            g.Interceptors.Add<CallInterceptor>();
            g.EnableDetailedErrors = true; // for errors that no interceptor sees: see MalformedRequests
        });
        builder.Services.AddSingleton(options).AddSingleton(_ => system()).AddSingleton(identity).AddSingleton(lifetime)
            .AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<NamespaceRegistry>().AddSingleton<CallInterceptor>();
        AddServices(builder.Services);
        var app = builder.Build();
        app.Run(new ServiceEndpoints(app.Services).InvokeAsync);
        return app;
    }

    /// <summary>The daemon's log: standard error.</summary>
    private static ILoggerFactory Logging(DaemonOptions options) => LoggerFactory.Create(logging =>
    {
        logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Critical);
        if (options.Quiet) return;
        logging.AddSimpleConsole(c =>
            (c.SingleLine, c.TimestampFormat, c.UseUtcTimestamp, c.ColorBehavior) =
                (true, "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ", true, LoggerColorBehavior.Disabled));
        if (options.Debug) logging.SetMinimumLevel(LogLevel.Debug);
        logging.Services.Configure<ConsoleLoggerOptions>(c => c.LogToStandardErrorThreshold = LogLevel.Trace);
    });

    private static void Configure(KestrelServerOptions kestrel, DaemonOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;   // Subscribe and Wait are idle for days
        kestrel.Limits.MinResponseDataRate = null;
        // an infinite one overflows Kestrel's clock, and ends idle connections at once
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromDays(30);
        kestrel.Limits.Http2.MaxStreamsPerConnection = int.MaxValue; // a client keeps all its waits on one connection
        kestrel.ListenUnixSocket(options.Address, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.CloseSilentConnections(options.FirstCallWithin);
        });
    }

    // Singletons: they hold no state of a call.
    private static void AddServices(IServiceCollection services) => services
        .AddSingleton<ContainersService>().AddSingleton<TasksService>().AddSingleton<InspectService>()
        .AddSingleton<EventsService>()
        .AddSingleton<NamespacesService>().AddSingleton<LeasesService>().AddSingleton<VersionService>()
        .AddSingleton<IntrospectionService>().AddSingleton<HealthService>()
        .AddSingleton(_ => new ReflectionV1ServiceImpl(ServiceNames.Descriptors))
            .AddSingleton(_ => new ReflectionServiceImpl(ServiceNames.Descriptors))
        .AddSingleton<ContainerDeletion>().AddSingleton<AutoRemoval>()
        .AddSingleton<EventFollowing>().AddSingleton<MissedExitReplay>().AddSingleton<ReservedPaths>()
        .AddSingleton<EventHistoryService>()
        .AddSingleton<StorageCalls>().AddSingleton<CheckpointCalls>()
            .AddSingleton(p => LogBinaries.Of(p.GetRequiredService<SupervisorSystem>()))
            .AddSingleton(p => LogLimits.Of(
            p.GetRequiredService<SupervisorSystem>())).AddSingleton<ImagesService>().AddSingleton<ContentService>()
        .AddSingleton<SnapshotsService>().AddSingleton<DiffService>();

    /// <summary>Our own directory is private; another one, such as /run, keeps its mode.</summary>
    private static void ClaimForSocket(string directory, bool groupMayPass)
    {
        if (directory == DaemonOptions.DefaultState) PrivateDirectory.Claim(directory, PrivateDirectory.OfState, groupMayPass);
        else PrivateDirectory.ClaimForSocket(directory);
    }

    private static T Hold<T>(Stack<IAsyncDisposable> undo, T taken) where T : IDisposable
    {
        undo.Push(new Disposal(taken));
        return taken;
    }

    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <summary>Stops the socket: waiting calls get the reason before their connections are closed.</summary>
    private sealed class Listening(WebApplication app, string address) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            using var patience = new CancellationTokenSource(Patience);
            await app.StopAsync(patience.Token);
            File.Delete(address);
        }
    }

    private sealed class Disposal(IDisposable inner) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            inner.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Disposes of what is still starting, once it has started.</summary>
    private sealed class Disposal<T>(Task<T> starting) : IAsyncDisposable where T : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await ((Task)starting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (starting.IsCompletedSuccessfully) await starting.Result.DisposeAsync();
        }
    }
}
