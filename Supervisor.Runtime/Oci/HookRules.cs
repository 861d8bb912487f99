namespace Supervisor.Runtime.Oci;

/// <summary>Validates a hook's spec.</summary>
internal static class HookRules
{
    public static void Check(HooksSpec? hooks)
    {
        foreach (var (field, list) in Lists(hooks))
            for (var i = 0; i < list.Count; i++) Check($"{field}[{i}]", list[i]);
    }

    public static IEnumerable<(string Field, IReadOnlyList<HookSpec> Hooks)> Lists(HooksSpec? hooks) => hooks is null ? [] :
    [
        ("hooks.prestart", hooks.Prestart), ("hooks.createRuntime", hooks.CreateRuntime),
        ("hooks.createContainer", hooks.CreateContainer), ("hooks.startContainer", hooks.StartContainer),
        ("hooks.poststart", hooks.Poststart), ("hooks.poststop", hooks.Poststop),
    ];

    private static void Check(string field, HookSpec hook)
    {
        Text.AbsolutePath(field + ".path", hook.Path);
        for (var i = 0; i < hook.Args.Count; i++) Text.NoNul($"{field}.args[{i}]", hook.Args[i]);
        for (var i = 0; i < hook.Env.Count; i++) Text.NoNul($"{field}.env[{i}]", hook.Env[i]);
        if (hook.Timeout <= 0) throw new InvalidSpecException(field + ".timeout", $"{hook.Timeout} is not above 0");
    }
}
