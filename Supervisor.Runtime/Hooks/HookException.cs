namespace Supervisor.Runtime.Hooks;

/// <summary>A hook could not be run, exited with a status other than 0, or timed out.</summary>
/// <param name="hook">Its name, e.g. <c>hooks.createRuntime[0] "/usr/bin/setup"</c>.</param>
/// <param name="reason">Why it failed, with a part of its output.</param>
public sealed class HookException(string hook, string reason, Exception? inner = null)
    : IOException($"{Words(hook)}{hook}: {reason}", inner)
{
    /// <summary>runc's message, which its callers match, with the hook's point and number.</summary>
    internal static string Words(string hook)
    {
        var open = hook.IndexOf('[', StringComparison.Ordinal);
        return hook.StartsWith("hooks.", StringComparison.Ordinal) && open > 0
            ? $"error running {hook["hooks.".Length..open]} hook #{hook[(open + 1)..hook.IndexOf(']', open)]}: " : "";
    }
}
