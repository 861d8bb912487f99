using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Supervisor.Host.Hosting;

/// <summary>
/// A request that cannot be parsed never reaches an interceptor: gRPC answers it with UNKNOWN and, with EnableDetailedErrors,
/// the name of the exception. It is the caller's mistake, so it becomes INVALID_ARGUMENT before the trailers are sent.
/// </summary>
internal static class MalformedRequests
{
    private const string Status = "grpc-status", Message = "grpc-message", FromParser = "InvalidProtocolBufferException: ";

    /// <summary>After the call, before its answer is complete.</summary>
    public static void Correct(HttpContext context)
    {
        if (context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers is { IsReadOnly: false } trailers) Correct(trailers);
        if (!context.Response.HasStarted) Correct(context.Response.Headers);
    }

    private static void Correct(IHeaderDictionary where)
    {
        if (where[Status] != $"{(int)StatusCode.Unknown}" || where[Message] is not [{ } encoded]) return;
        var text = Uri.UnescapeDataString(encoded);
        var parser = text.IndexOf(FromParser, StringComparison.Ordinal);
        if (parser < 0) return;
        where[Status] = $"{(int)StatusCode.InvalidArgument}";
        where[Message] = new StringValues(
            Uri.EscapeDataString($"the request is not a valid message of its type: {text[(parser + FromParser.Length)..]}"));
    }
}
