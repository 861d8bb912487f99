namespace Supervisor.Kernel.Oci;

/// <summary>What a mount's spec must be.</summary>
internal static class MountRules
{
    private const int Most = 4096; // a mount namespace may hold 100,000 by default (sysctl fs.mount-max)

    public static void Check(IReadOnlyList<MountSpec> mounts)
    {
        if (mounts.Count > Most) throw new InvalidSpecException("mounts", $"has more than {Most} entries");
        for (var i = 0; i < mounts.Count; i++) Check($"mounts[{i}]", mounts[i]);
    }

    private static void Check(string field, MountSpec mount)
    {
        Text.AbsolutePath(field + ".destination", mount.Destination);
        if (mount.Type is { } type) Text.NoNul(field + ".type", type);
        if (mount.Source is { } source) Text.NoNul(field + ".source", source);
        for (var i = 0; i < mount.Options.Count; i++) Text.NoNul($"{field}.options[{i}]", mount.Options[i]);
        var options = MountOptions.Parse(mount.Options);
        var bind = options.Bind || mount.Type is "bind";
        if (bind)
        {
            if (string.IsNullOrEmpty(mount.Source)) throw new InvalidSpecException(field + ".source", "is missing, and a bind mount has one");
            if (options.DataOptions.Count > 0) // the kernel would ignore it: somebody relies on an option that is misspelt
                throw new InvalidSpecException($"{field}.options[{IndexOf(mount.Options, options.DataOptions[0])}]",
                    $"\"{options.DataOptions[0]}\" is no option of a bind mount");
        }
        else if (string.IsNullOrEmpty(mount.Type) || mount.Type is "none")
        {
            // A remount or a change of propagation has no type of its own.
            if (!options.Remount && options.Propagation == 0) throw new InvalidSpecException(field + ".type", "is missing, and this is no bind mount");
        }
        if (options.CopyUp && mount.Type is not "tmpfs")
            throw new InvalidSpecException($"{field}.options[{IndexOf(mount.Options, "tmpcopyup")}]", "only a tmpfs can be filled");
        if (options.IdMap && !bind)
            throw new InvalidSpecException($"{field}.options", "only a bind mount can be idmapped");
    }

    private static int IndexOf(IReadOnlyList<string> words, string word)
    {
        for (var i = 0; i < words.Count; i++) if (words[i] == word) return i;
        return 0;
    }
}
