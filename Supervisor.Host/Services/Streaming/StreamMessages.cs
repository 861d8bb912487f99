using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Supervisor.Host.Services.Streaming;

/// <summary>Messages in an Any, as containerd's clients name them: by their full name, without the prefix of a host.</summary>
internal static class StreamMessages
{
    internal static Any Pack(IMessage message) => new() { TypeUrl = message.Descriptor.FullName, Value = message.ToByteString() };

    /// <summary>The message; null if it is of another type.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: its bytes are damaged.</exception>
    internal static T? TryUnpack<T>(Any any) where T : class, IMessage<T>, new()
    {
        var message = new T();
        if (any.TypeUrl[(any.TypeUrl.LastIndexOf('/') + 1)..] != message.Descriptor.FullName) return null;
        try
        {
            message.MergeFrom(any.Value);
            return message;
        }
        catch (InvalidProtocolBufferException e)
        {
            throw GrpcTranslation.Refuse(StatusCode.InvalidArgument, $"{message.Descriptor.FullName}: {e.Message}");
        }
    }
}
