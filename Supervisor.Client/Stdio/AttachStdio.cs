namespace Supervisor.Client.Stdio;

/// <summary>Receives the streams of a process before it starts, so that no output is missed.</summary>
/// <param name="stdio">Open until the process object is disposed.</param>
/// <param name="cancel">Cancelled with the call that starts the process.</param>
/// <returns>When the process may start: what copies the streams must not be awaited. An exception undoes the call.</returns>
public delegate Task AttachStdio(ProcessStdio stdio, CancellationToken cancel);
