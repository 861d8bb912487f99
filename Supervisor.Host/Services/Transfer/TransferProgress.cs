using System.Collections.Concurrent;
using System.Threading.Channels;
using Containerd.Types;
using Containerd.Types.Transfer;
using Supervisor.Host.Services.Streaming;
using Supervisor.Registry.Manifests;

namespace Supervisor.Host.Services.Transfer;

/// <summary>
/// What a client is shown of a transfer. It never delays the transfer: of a slow client's messages, the oldest are dropped.
/// Source: the
/// events of containerd's local transfer service, by which its clients draw.
/// </summary>
public sealed class TransferProgress : IDisposable
{
    private const int Waiting = 256, Interval = 100; // messages, milliseconds
    private static readonly TimeSpan Last = TimeSpan.FromSeconds(2);

    private readonly ClientStream? _stream;
    private readonly Channel<Progress> _messages = Channel.CreateBounded<Progress>(
        new BoundedChannelOptions(Waiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly ConcurrentDictionary<string, long> _moved = new(StringComparer.Ordinal);
    private readonly Task _sending;

    internal TransferProgress(ClientStream? stream)
    {
        _stream = stream;
        _sending = stream is null ? Task.CompletedTask : SendAsync(stream);
    }

    /// <summary>A line about the whole: what begins, and where.</summary>
    public void Say(string what) => Send(new Progress { Event = what });

    /// <summary>A part that is known, and not begun.</summary>
    public void Wait(Descriptor part, string parent) => Send(Of("waiting", part, 0, parent));

    /// <summary>Bytes of a part so far: a few times a second.</summary>
    /// <param name="doing"><c>downloading</c> or <c>uploading</c>.</param>
    public void Move(string doing, Descriptor part, long bytes)
    {
        ArgumentNullException.ThrowIfNull(part);
        var now = Environment.TickCount64;
        if (_moved.TryGetValue(part.Digest, out var last) && now - last < Interval) return;
        _moved[part.Digest] = now;
        Send(Of(doing, part, bytes));
    }

    /// <summary>A part is complete.</summary>
    public void Complete(Descriptor part) => Send(Of("complete", part, part.Size));

    /// <summary>A part was there before.</summary>
    public void Exists(Descriptor part) => Send(Of("already exists", part, part.Size));

    /// <summary>A layer is being unpacked, or has been.</summary>
    public void Unpack(Descriptor layer, bool isDone) =>
        Send(Of(isDone ? "extracted" : "extracting", layer, isDone ? layer.Size : 0));

    /// <summary>An image has a name.</summary>
    public void Save(string name, Descriptor image) => Send(new Progress { Event = "saved", Name = name, Desc = Message(image) });

    /// <summary>The name that containerd's clients know a part by.</summary>
    public static string NameOf(Descriptor part)
    {
        ArgumentNullException.ThrowIfNull(part);
        var kind = MediaTypes.IsIndex(part.MediaType) ? "index" : MediaTypes.IsManifest(part.MediaType) ? "manifest"
            : part.MediaType is MediaTypes.Config or MediaTypes.DockerConfig ? "config" : "layer";
        return $"{kind}-{part.Digest}";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _messages.Writer.TryComplete();
        // What is waiting is sent before the call's answer; a client that does not read does not delay it for long.
        if (_stream is { } stream) _ = Task.WhenAny(_sending, Task.Delay(Last))
            .ContinueWith(_ => stream.Close(), TaskScheduler.Default);
    }

    private async Task SendAsync(ClientStream stream)
    {
        try
        {
            await foreach (var message in _messages.Reader.ReadAllAsync()) await stream.SendAsync(message, stream.Gone);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            _messages.Writer.TryComplete(); // the client does not want to know
        }
    }

    private void Send(Progress progress) => _messages.Writer.TryWrite(progress);

    private static Progress Of(string what, Descriptor part, long bytes, string? parent = null)
    {
        var progress = new Progress { Event = what, Name = NameOf(part), Progress_ = bytes, Total = part.Size, Desc =
            Message(part) };
        if (parent is not null) progress.Parents.Add(parent);
        return progress;
    }

    private static ContentDescriptor Message(Descriptor part) =>
        new() { MediaType = part.MediaType, Digest = part.Digest, Size = part.Size, Annotations =
            { part.Annotations.ToDictionary() } };
}
