using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;

namespace Supervisor.Host.Services;

/// <summary>grpc.reflection.v1: tells a client without our .proto files what is served here. An unknown name is an answer
/// of its own (error_response, with the numbers of the gRPC status codes); the stream goes on.</summary>
public sealed class ReflectionService : ServerReflection.ServerReflectionBase
{
    /// <inheritdoc/>
    public override async Task ServerReflectionInfo(IAsyncStreamReader<ServerReflectionRequest> requestStream,
        IServerStreamWriter<ServerReflectionResponse> responseStream, ServerCallContext context)
    {
        while (await requestStream.MoveNext(context.CancellationToken))
            await responseStream.WriteAsync(Answer(requestStream.Current), context.CancellationToken);
    }

    internal static ServerReflectionResponse Answer(ServerReflectionRequest request)
    {
        var answer = new ServerReflectionResponse { ValidHost = request.Host, OriginalRequest = request };
        var catalog = DescriptorCatalog.Served;
        switch (request.MessageRequestCase)
        {
            case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                answer.ListServicesResponse = new() { Service = { catalog.Services.Select(s => new ServiceResponse { Name = s }) } };
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename:
                Describe(answer, catalog.FileNamed(request.FileByFilename), $"file \"{request.FileByFilename}\"");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                Describe(answer, catalog.FileDefining(request.FileContainingSymbol), $"symbol \"{request.FileContainingSymbol}\"");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension:
                // proto3 has no extensions but those of options, and ours has none of these.
                var extension = request.FileContainingExtension;
                Describe(answer, null, $"extension {extension.ExtensionNumber} of \"{extension.ContainingType}\"");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType:
                if (catalog.FileDefining(request.AllExtensionNumbersOfType) is null)
                    Describe(answer, null, $"type \"{request.AllExtensionNumbersOfType}\"");
                else answer.AllExtensionNumbersResponse = new() { BaseTypeName = request.AllExtensionNumbersOfType };
                break;
            default:
                answer.ErrorResponse = new() { ErrorCode = (int)StatusCode.InvalidArgument, ErrorMessage = "message_request: nothing is asked" };
                break;
        }
        return answer;
    }

    private static void Describe(ServerReflectionResponse answer, FileDescriptor? file, string what)
    {
        if (file is null) answer.ErrorResponse = new() { ErrorCode = (int)StatusCode.NotFound, ErrorMessage = $"{what} is not known here" };
        else
            answer.FileDescriptorResponse = new()
            {
                FileDescriptorProto = { DescriptorCatalog.WithImports(file).Select(f => f.SerializedData) },
            };
    }
}
