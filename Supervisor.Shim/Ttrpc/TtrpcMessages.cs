namespace Supervisor.Shim.Ttrpc;

/// <summary>The status codes of gRPC, which ttrpc uses too.</summary>
internal enum StatusCode
{
    Ok = 0, Unknown = 2, InvalidArgument = 3, DeadlineExceeded = 4, NotFound = 5, AlreadyExists = 6, PermissionDenied = 7,
    ResourceExhausted = 8, FailedPrecondition = 9, Unimplemented = 12, Internal = 13, Unavailable = 14,
}

/// <summary>A call is refused; the message is for the caller.</summary>
internal sealed class TtrpcException(StatusCode code, string message) : Exception(message)
{
    public StatusCode Code { get; } = code;
}

/// <summary>A request. Its metadata are read over: they repeat the namespace, which a shim has only one of.</summary>
/// <param name="Timeout">How long the caller waits; null for no limit.</param>
internal sealed record TtrpcRequest(string Service, string Method, byte[] Payload, TimeSpan? Timeout)
{
    /// <exception cref="InvalidDataException">It is malformed.</exception>
    public static TtrpcRequest Read(ReadOnlySpan<byte> message)
    {
        var (service, method, payload, timeout) = ("", "", Array.Empty<byte>(), 0L);
        for (var reader = new WireReader(message); reader.Next();)
            switch (reader.Field)
            {
                case 1: service = reader.Text; break;
                case 2: method = reader.Text; break;
                case 3: payload = reader.Bytes.ToArray(); break;
                case 4: timeout = reader.Int64; break;
            }
        return new TtrpcRequest(service, method, payload, timeout <= 0 ? null : TimeSpan.FromTicks(Math.Max(1, timeout / 100)));
    }

    public WireWriter Write(params ReadOnlySpan<(string Key, string Value)> metadata)
    {
        var message = new WireWriter().Text(1, Service).Text(2, Method).Bytes(3, Payload)
            .Signed(4, (Timeout?.Ticks ?? 0) * 100);
        foreach (var (key, value) in metadata) message.Message(5, new WireWriter().Text(1, key).Text(2, value));
        return message;
    }
}

/// <summary>The answer to a request.</summary>
internal sealed record TtrpcResponse(StatusCode Code, string Message, byte[] Payload)
{
    /// <exception cref="InvalidDataException">It is malformed.</exception>
    public static TtrpcResponse Read(ReadOnlySpan<byte> message)
    {
        var (code, text, payload) = (0L, "", Array.Empty<byte>());
        for (var reader = new WireReader(message); reader.Next();)
            switch (reader.Field)
            {
                case 1:
                    for (var status = new WireReader(reader.Bytes); status.Next();)
                        if (status.Field == 1) code = status.Int64;
                        else if (status.Field == 2) text = status.Text;
                    break;
                case 2: payload = reader.Bytes.ToArray(); break;
            }
        return new TtrpcResponse((StatusCode)(int)code, text, payload);
    }

    public WireWriter Write()
    {
        var message = new WireWriter();
        if (Code is not StatusCode.Ok) message.Message(1, new WireWriter().Signed(1, (int)Code).Text(2, Message));
        return message.Bytes(2, Payload);
    }
}
