namespace Grpc.Core;

/// <summary>What the four kinds of call share: headers, status, trailers and disposal, with or without a state object.</summary>
internal readonly struct AsyncCallState
{
    private readonly object? _state;
    private readonly object _headers;
    private readonly Delegate _status;
    private readonly Delegate _trailers;
    private readonly Delegate _dispose;

    public AsyncCallState(Task<Metadata> headers, Func<Status> status, Func<Metadata> trailers, Action dispose) =>
        (_headers, _status, _trailers, _dispose) = (headers, status, trailers, dispose);

    public AsyncCallState(Func<object, Task<Metadata>> headers, Func<object, Status> status, Func<object, Metadata> trailers,
        Action<object> dispose, object state) =>
        (_headers, _status, _trailers, _dispose, _state) = (headers, status, trailers, dispose, state);

    public Task<Metadata> ResponseHeadersAsync() =>
        _headers is Func<object, Task<Metadata>> headers ? headers(_state!) : (Task<Metadata>)_headers;
    public Status GetStatus() => _status is Func<object, Status> status ? status(_state!) : ((Func<Status>)_status)();
    public Metadata GetTrailers() => _trailers is Func<object, Metadata> trailers ? trailers(_state!) : ((Func<Metadata>)_trailers)();

    public void Dispose()
    {
        if (_dispose is Action<object> dispose) dispose(_state!);
        else ((Action)_dispose)();
    }
}
