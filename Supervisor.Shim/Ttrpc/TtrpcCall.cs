namespace Supervisor.Shim.Ttrpc;

/// <summary>A call in progress: to be answered once, on the loop's thread; later answers are dropped.</summary>
internal sealed class TtrpcCall(TtrpcRequest request, Action<TtrpcResponse> answer)
{
    private Action<TtrpcResponse>? _answer = answer;

    public string Service => request.Service;

    public string Method => request.Method;

    public ReadOnlySpan<byte> Payload => request.Payload;

    /// <summary>How long the caller waits; null for no limit.</summary>
    public TimeSpan? Timeout => request.Timeout;

    /// <summary>Whether it still needs an answer.</summary>
    public bool IsOpen => _answer is not null;

    /// <summary>Refuses it when its timeout passes; disposed of with the answer.</summary>
    public IDisposable? Deadline { get; set; }

    public void Reply(WireWriter message) => Answer(new TtrpcResponse(StatusCode.Ok, "", message.Written.ToArray()));

    public void Refuse(StatusCode code, string message) => Answer(new TtrpcResponse(code, message, []));

    private void Answer(TtrpcResponse response)
    {
        var answer = _answer;
        _answer = null;
        Deadline?.Dispose();
        answer?.Invoke(response);
    }
}
