using Akka.Configuration;
using Grpc.Reflection;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Console;
using Supervisor.Actors;
using Supervisor.Host.Daemon;
using Supervisor.Host.Services;
using Supervisor.Host.Services.Checkpoints;
using Supervisor.Host.Services.Files;
using Supervisor.Host.Services.Storage;
using Supervisor.Host.Services.Streaming;
using Supervisor.Host.Services.Transfer;
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

    /// <summary>How long calls in flight may take when the daemon stops.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ClaimedDirectories _directories;
    private readonly DaemonLifetime _lifetime = new();
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly ActorsService _actors;
    private readonly WebApplication _app;
    private int _stopped;

    private DaemonHost(ClaimedDirectories directories, Task<Config> configuration, ILoggerFactory loggers)
    {
        (_directories, _loggers, _log) = (directories, loggers, loggers.CreateLogger<DaemonHost>());
        _actors = new ActorsService(Options, configuration, _lifetime, loggers);
        _app = Build();
    }

    /// <summary>What it was started with.</summary>
    public DaemonOptions Options => _directories.Options;

    /// <summary>The actors behind it.</summary>
    public SupervisorSystem System => _actors.System;

    /// <summary>
    /// Completes when a journal write failed and all waiting calls have got the error: this daemon changes nothing more and
    /// must be replaced.
    /// </summary>
    public Task Broken => _actors.Broken;

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
        var reading = Task.Run(() => HoconFiles.Read(options), CancellationToken.None);
        var logging = Task.Run(() => Logging(options), CancellationToken.None);
        // before any thread asks for one
        var describing = Task.Run(() => (Descriptors.Load(), ServiceNames.Descriptors), CancellationToken.None);
        var directories = new ClaimedDirectories(options);
        DaemonHost? host = null;
        try
        {
            var (loggers, _) = (await logging, await describing);
            host = new DaemonHost(directories, reading, loggers); // reading takes longest: the socket is set up in the meantime
            await host.StartAsync(cancellation);
            return host;
        }
        catch (Exception e)
        {
            if (host is not null)
            {
                await host.AbandonAsync(e, cancellation);
            }
            else
            {
                directories.Dispose();
                (await logging).Dispose();
            }
            if (e is JournalUnusableException) throw new DaemonStartException(e.Message, e);
            throw;
        }
    }

    private async Task StartAsync(CancellationToken cancellation)
    {
        await _app.StartAsync(cancellation);
        _app.Services.GetRequiredService<HealthService>().BeginServing();
        _lifetime.BeReady(System.JournalSpace);
        _app.Services.GetRequiredService<AutoRemoval>().Begin();
        _app.Services.GetRequiredService<ExecRemoval>().Begin();
        Log.Listening(_log, Options.Address, Options.Root, Options.State);
    }

    /// <summary>Ends a start that has failed: waiting calls get the reason before their connections are closed.</summary>
    private async Task AbandonAsync(Exception reason, CancellationToken cancellation)
    {
        if (reason is OperationCanceledException)
        {
            _lifetime.BeginStop();
        }
        else
        {
            _lifetime.Break($"the daemon cannot start: {reason.Message}");
            await Task.Delay(Options.RefuseFor, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await ReleaseAsync();
    }

    /// <summary>Stops in the phases described above. Idempotent.</summary>
    public async Task StopAsync(string cause)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0) return;
        Log.Stopping(_log, cause);
        _lifetime.BeginStop();
        await ReleaseAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync("disposed");

    /// <summary>Stops what has been started, in reverse order: the socket, then the actors.</summary>
    private async Task ReleaseAsync()
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            await _app.StopAsync(patience.Token);
            if (_stopped != 0) Log.Stopped(_log);
        }
        finally
        {
            await _app.DisposeAsync();
            _lifetime.Dispose();
            _directories.Dispose();
            _loggers.Dispose(); // last: it flushes its queue
        }
    }

    private WebApplication Build()
    {
        // Empty: no configuration files, no environment, no host filtering, no TLS; all that is needed is named here.
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ApplicationName = "supervisor", ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddSingleton(_loggers);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(k => Configure(k, Options));
        builder.Services.Configure<SocketTransportOptions>(s =>
        {
            s.CreateBoundListenSocket = _ => ListeningSocket.Bind(Options.Address, Options.Group);
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
        builder.Services.AddSingleton(Options).AddSingleton(_ => _actors.System).AddSingleton(_directories.Identity)
            .AddSingleton(_lifetime).AddSingleton(TimeProvider.System);
        // the socket is the last to start and the first to stop
        builder.Services.AddSingleton<IHostedService>(_ => _actors);
        if (Options.OwnsProcess) builder.Services.AddHostedService<FirstCalls>().AddHostedService<IdleCollection>();
        builder.Services.AddSingleton<ServiceEndpoints>().AddSingleton<NamespaceRegistry>().AddSingleton<CallInterceptor>();
        AddServices(builder.Services);
        var app = builder.Build();
        app.Run(app.Services.GetRequiredService<ServiceEndpoints>().InvokeAsync);
        return app;
    }

    /// <summary>The daemon's log: standard error.</summary>
    private static ILoggerFactory Logging(DaemonOptions options) => LoggerFactory.Create(logging =>
    {
        // the command line reports a failed start, in one line
        logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Microsoft.Extensions.Hosting", LogLevel.Critical)
            .AddFilter("Grpc", LogLevel.Critical);
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
        .AddSingleton<ContainerDeletion>().AddSingleton<AutoRemoval>().AddSingleton<ExecRemoval>().AddSingleton<LaunchTraces>()
        .AddSingleton<EventFollowing>().AddSingleton<MissedExitReplay>().AddSingleton<ReservedPaths>()
        .AddSingleton<EventHistoryService>()
        .AddSingleton<StorageCalls>().AddSingleton<CheckpointCalls>()
            .AddSingleton(p => LogBinaries.Of(p.GetRequiredService<SupervisorSystem>()))
            .AddSingleton(p => LogLimits.Of(
            p.GetRequiredService<SupervisorSystem>())).AddSingleton<ImagesService>().AddSingleton<ContentService>()
        .AddSingleton<SnapshotMaking>().AddSingleton<SnapshotsService>().AddSingleton<DiffService>()
        .AddSingleton<ClientStreams>().AddSingleton<StreamingService>()
        .AddSingleton<TransferService>().AddSingleton<TransferLeases>()
        .AddSingleton<ImageContent>().AddSingleton<ImageParts>().AddSingleton<ImageNaming>().AddSingleton<ImageUnpacking>()
        .AddSingleton<ImagePull>().AddSingleton<ImagePush>().AddSingleton<ArchiveImport>().AddSingleton<ArchiveExport>()
        .AddSingleton(p => RegistryClients.Of(p.GetRequiredService<SupervisorSystem>(), p.GetRequiredService<TimeProvider>()))
        .AddSingleton<FilesService>().AddSingleton<ContainerRoots>().AddSingleton<CopyThreads>();

    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
