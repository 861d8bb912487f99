using Microsoft.AspNetCore.Http.Features;

namespace Supervisor.Host.Hosting;

/// <summary>
/// Makes the calls of a container's life once while the daemon starts, with empty requests, which are refused before anything
/// happens. They wait for the journal as a client's calls do. What a method needs for its first call is then there when a client
/// calls it: its services, and the types of its generic handlers, which native code builds at run time. Together that takes as
/// long as one and a half lives.
/// </summary>
internal sealed class FirstCalls(ServiceEndpoints endpoints, IServiceProvider provider) : BackgroundService
{
    private const string Containers = "/containerd.services.containers.v1.Containers/";
    private const string Tasks = "/containerd.services.tasks.v1.Tasks/";

    /// <summary>In the order in which a client calls them.</summary>
    internal static readonly IReadOnlyList<string> Paths =
    [
        Containers + "Create", Tasks + "Create", Tasks + "Wait", Tasks + "Start", Tasks + "Get", Tasks + "Kill", Tasks + "Delete",
        Containers + "Get", Containers + "Delete", Tasks + "Exec", Tasks + "DeleteProcess",
    ];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield(); // the socket is opened meanwhile
        await Task.WhenAll(Paths.Select(CallAsync));
    }

    private async Task CallAsync(string path)
    {
        await using var scope = provider.CreateAsyncScope();
        await endpoints.InvokeAsync(Request(path, scope.ServiceProvider));
    }

    /// <summary>As gRPC over HTTP/2 requires: a message without fields after its five bytes of length.</summary>
    private static DefaultHttpContext Request(string path, IServiceProvider services)
    {
        var context = new DefaultHttpContext { RequestServices = services };
        (context.Request.Method, context.Request.Protocol, context.Request.Path) = (HttpMethods.Post, HttpProtocol.Http2, path);
        (context.Request.ContentType, context.Request.Body) = ("application/grpc", new MemoryStream(new byte[5]));
        context.Features.Set<IHttpResponseTrailersFeature>(new ResponseTrailers());
        return context;
    }

    private sealed class ResponseTrailers : IHttpResponseTrailersFeature
    {
        public IHeaderDictionary Trailers { get; set; } = new HeaderDictionary();
    }
}
