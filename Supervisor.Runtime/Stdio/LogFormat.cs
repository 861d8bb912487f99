namespace Supervisor.Runtime.Stdio;

/// <summary>What a log keeps of the output.</summary>
public enum LogFormat
{
    /// <summary>The bytes as they were written, of both streams: containerd's <c>file://</c>.</summary>
    Raw,

    /// <summary>Also the time and the stream of each line: <see cref="CriRecord"/>.</summary>
    Cri,
}
