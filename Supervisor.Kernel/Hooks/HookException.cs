namespace Supervisor.Kernel.Hooks;

/// <summary>A hook could not be run, ended with a status other than 0, or took too long.</summary>
/// <param name="hook">Which, e.g. <c>hooks.createRuntime[0] "/usr/bin/setup"</c>.</param>
/// <param name="reason">What happened, with the end of what it printed.</param>
public sealed class HookException(string hook, string reason, Exception? inner = null) : IOException($"{hook}: {reason}", inner)
{
    /// <summary>Which hook.</summary>
    public string Hook { get; } = hook;
}
