using Grpc.Reflection;
using Supervisor.Host.Services;
using Supervisor.Host.Services.Storage;

namespace Supervisor.Host.Hosting;

/// <summary>The proto services that can be called. gRPC answers any other with UNIMPLEMENTED.</summary>
internal static class ServiceEndpoints
{
    private static readonly Dictionary<string, Action<IEndpointRouteBuilder>> Services = new(StringComparer.Ordinal)
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
        ["supervisor.v1.Tasks"] = to => to.MapGrpcService<InspectService>(),
        ["supervisor.v1.Events"] = to => to.MapGrpcService<EventHistoryService>(),
        ["grpc.reflection.v1.ServerReflection"] = to => to.MapGrpcService<ReflectionV1ServiceImpl>(),
        ["grpc.reflection.v1alpha.ServerReflection"] = to => to.MapGrpcService<ReflectionServiceImpl>(),
        ["grpc.health.v1.Health"] = to => to.MapGrpcService<HealthService>(),
    };

    /// <summary>Their full names.</summary>
    public static IEnumerable<string> Names => Services.Keys;

    /// <summary>Leads the path of each method to its service.</summary>
    public static void Map(WebApplication app)
    {
        app.Use(static async (context, next) =>
        {
            SilentConnections.HasCalled(context);
            await next(context);
            MalformedRequests.Correct(context);
        });
        app.UseRouting();
        foreach (var map in Services.Values) map(app);
    }
}
