namespace Supervisor.Runtime.Hooks;

/// <summary>A hook could not be run, ended with a status other than 0, or took too long.</summary>
/// <param name="hook">Which, e.g. <c>hooks.createRuntime[0] "/usr/bin/setup"</c>.</param>
/// <param name="reason">What happened, with the end of what it printed.</param>
public sealed class HookException(string hook, string reason, Exception? inner = null)
    : IOException($"{Words(hook)}{hook}: {reason}", inner)
{
    /// <summary>Which hook.</summary>
    public string Hook { get; } = hook;

    /// <summary>runc's words, which its callers look for, with the hook's point and number.</summary>
    internal static string Words(string hook)
    {
        var open = hook.IndexOf('[', StringComparison.Ordinal);
        return hook.StartsWith("hooks.", StringComparison.Ordinal) && open > 0
            ? $"error running {hook["hooks.".Length..open]} hook #{hook[(open + 1)..hook.IndexOf(']', open)]}: " : "";
    }
}
