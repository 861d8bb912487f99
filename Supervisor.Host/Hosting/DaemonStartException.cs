namespace Supervisor.Host.Hosting;

/// <summary>The daemon cannot start, for a reason that its operator can remove; the message says which.</summary>
public sealed class DaemonStartException(string message, Exception? inner = null) : Exception(message, inner);
