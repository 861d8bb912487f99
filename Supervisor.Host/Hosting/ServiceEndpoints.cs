using System.Collections.Concurrent;
using System.Collections.Frozen;
using Grpc.Reflection;
using Supervisor.Host.Services;
using Supervisor.Host.Services.Files;
using Supervisor.Host.Services.Storage;
using Supervisor.Host.Services.Streaming;
using Supervisor.Host.Services.Transfer;

namespace Supervisor.Host.Hosting;

/// <summary>
/// Routes a call to its method by its path. A service's methods are prepared at its first call: preparing all 150 takes a
/// quarter of a second of CPU time at every start, and a client uses only a few.
/// </summary>
internal sealed class ServiceEndpoints(IServiceProvider provider)
{
    private static readonly FrozenDictionary<string, Action<IEndpointRouteBuilder>> Services = new Dictionary<string,
        Action<IEndpointRouteBuilder>>
    {
        ["containerd.services.containers.v1.Containers"] = to => to.MapGrpcService<ContainersService>(),
        ["containerd.services.tasks.v1.Tasks"] = to => to.MapGrpcService<TasksService>(),
        ["containerd.services.events.v1.Events"] = to => to.MapGrpcService<EventsService>(),
        ["containerd.services.namespaces.v1.Namespaces"] = to => to.MapGrpcService<NamespacesService>(),
        ["containerd.services.leases.v1.Leases"] = to => to.MapGrpcService<LeasesService>(),
        ["containerd.services.version.v1.Version"] = to => to.MapGrpcService<VersionService>(),
        ["containerd.services.introspection.v1.Introspection"] = to => to.MapGrpcService<IntrospectionService>(),
        ["containerd.services.images.v1.Images"] = to => to.MapGrpcService<ImagesService>(),
        ["containerd.services.content.v1.Content"] = to => to.MapGrpcService<ContentService>(),
        ["containerd.services.snapshots.v1.Snapshots"] = to => to.MapGrpcService<SnapshotsService>(),
        ["containerd.services.diff.v1.Diff"] = to => to.MapGrpcService<DiffService>(),
        ["containerd.services.streaming.v1.Streaming"] = to => to.MapGrpcService<StreamingService>(),
        ["containerd.services.transfer.v1.Transfer"] = to => to.MapGrpcService<TransferService>(),
        ["supervisor.v1.Tasks"] = to => to.MapGrpcService<InspectService>(),
        ["supervisor.v1.Events"] = to => to.MapGrpcService<EventHistoryService>(),
        ["supervisor.v1.Files"] = to => to.MapGrpcService<FilesService>(),
        ["grpc.reflection.v1.ServerReflection"] = to => to.MapGrpcService<ReflectionV1ServiceImpl>(),
        ["grpc.reflection.v1alpha.ServerReflection"] = to => to.MapGrpcService<ReflectionServiceImpl>(),
        [Health] = to => to.MapGrpcService<HealthService>(),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private const string Health = "grpc.health.v1.Health";

    // prepared methods by path
    private readonly ConcurrentDictionary<string, Endpoint> _methods = new(StringComparer.Ordinal);
    // for each prepared service: the answer for an unknown method
    private readonly Dictionary<string, Endpoint> _unknownMethods = [];
    private readonly Lock _preparing = new();
    private Endpoint? _unknownService;

    /// <summary>Full names of the proto services that can be called.</summary>
    public static IEnumerable<string> Names => Services.Keys;

    /// <summary>Answers a request: with UNIMPLEMENTED where there is no such service or method.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }
        SilentConnections.HasCalled(context);
        var endpoint = Find(context.Request.Path.Value ?? "");
        context.SetEndpoint(endpoint);
        await endpoint.RequestDelegate!(context);
        MalformedRequests.Correct(context);
    }

    private Endpoint Find(string path)
    {
        if (_methods.TryGetValue(path, out var method)) return method;
        var slash = path.LastIndexOf('/');
        var service = slash > 0 ? path[1..slash] : "";
        lock (_preparing) // gRPC has one list for all services
        {
            if (!Services.ContainsKey(service))
            {
                if (_unknownService is null) Prepare(Health); // preparing the first also makes the answer for unknown services
                return _unknownService!;
            }
            if (!_unknownMethods.ContainsKey(service)) Prepare(service);
            return _methods.GetValueOrDefault(path, _unknownMethods[service]);
        }
    }

    private void Prepare(string service)
    {
        var routes = new Routes(provider);
        Services[service](routes);
        var endpoints = routes.DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>().ToList();
        // gRPC's own endpoints have a parameter in place of the method, or of service and method.
        _unknownService ??= endpoints.Single(e => e.RoutePattern.Parameters.Count == 2);
        _unknownMethods[service] = endpoints.Single(e => e.RoutePattern.Parameters.Count == 1);
        foreach (var method in endpoints.Where(e => e.RoutePattern.Parameters.Count == 0)) _methods[PathOf(method)] = method;
    }

    private static string PathOf(RouteEndpoint endpoint) => "/" + endpoint.RoutePattern.RawText!.TrimStart('/');

    /// <summary>Collects the methods of one service.</summary>
    private sealed class Routes(IServiceProvider provider) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => provider;
        public ICollection<EndpointDataSource> DataSources { get; } = [];
        public IApplicationBuilder CreateApplicationBuilder() => new ApplicationBuilder(provider);
    }
}
