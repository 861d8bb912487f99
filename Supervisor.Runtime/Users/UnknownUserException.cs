namespace Supervisor.Runtime.Users;

/// <summary>A user or group cannot be resolved; the message names the option, what was given, and why.</summary>
public sealed class UnknownUserException(string message) : Exception(message);
