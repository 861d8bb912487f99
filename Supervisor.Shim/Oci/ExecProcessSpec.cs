using System.Globalization;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Programs;

namespace Supervisor.Shim.Oci;

/// <summary>Applies an exec's flags to the container's own process.</summary>
internal static class ExecProcessSpec
{
    /// <exception cref="OciException">A flag's value is malformed.</exception>
    /// <exception cref="InvalidSpecException">The file is not a process.</exception>
    public static ProcessSpec From(Arguments arguments, Spec container)
    {
        if (arguments.Text("process") is { Length: > 0 } file)
        {
            var read = SpecReader.ReadProcess(File.ReadAllBytes(file));
            return arguments.IsSet("tty") ? read with { Terminal = true } : read;
        }
        var command = arguments.Rest.Skip(1).ToArray();
        if (command.Length == 0) throw new OciException("process args cannot be empty");
        var process = container.Process ?? new ProcessSpec { Cwd = "/" };
        process = process with
        {
            Args = command,
            Init = false,
            Terminal = arguments.IsSet("tty"),
            Cwd = arguments.Text("cwd") is { Length: > 0 } cwd ? cwd : process.Cwd,
            Env = [.. process.Env, .. arguments.List("env")],
            NoNewPrivileges = arguments.Has("no-new-privs") ? arguments.IsSet("no-new-privs") : process.NoNewPrivileges,
            ApparmorProfile = arguments.Text("apparmor") ?? process.ApparmorProfile,
            SelinuxLabel = arguments.Text("process-label") ?? process.SelinuxLabel,
        };
        if (arguments.List("cap") is { Count: > 0 } added)
            process = process with { Capabilities = With(process.Capabilities ?? new(), added) };
        if (arguments.Text("user") is { Length: > 0 } user) process = process with { User = With(process.User, user) };
        if (arguments.List("additional-gids") is { Count: > 0 } groups)
            process = process with {
                User = process.User with {
                AdditionalGids = [.. process.User.AdditionalGids, .. groups.Select(g => Id(g, "additional-gids"))] } };
        return process;
    }

    /// <summary>
    /// Adds a HOME if it has none or an empty one: from the root filesystem's passwd(5), else the root, as runc does.
    /// </summary>
    public static ProcessSpec WithHome(ProcessSpec process, string rootfs) =>
        process.Env.LastOrDefault(e => e.StartsWith("HOME=", StringComparison.Ordinal)) is { Length: > 5 }
        ? process : process with { Env = [.. process.Env, $"HOME={HomeDirectory.Of(rootfs, process.User.Uid) ?? "/"}"] };

    // Not into the ambient set: there it would survive a change of user, which was not requested.
    private static CapabilitiesSpec With(CapabilitiesSpec sets, IReadOnlyList<string> added)
    {
        added = [.. added.Where(name => Capability.TryNumber(name) is not null)]; // as in runc; ExecVerb warns of the others
        return sets with { Bounding = Union(sets.Bounding), Effective = Union(sets.Effective),
            Permitted = Union(sets.Permitted) };

        string[] Union(IReadOnlyList<string> set) => [.. set.Union(added)];
    }

    private static UserSpec With(UserSpec user, string text)
    {
        var parts = text.Split(':');
        if (parts.Length > 2) throw new OciException($"--user \"{text}\" is not of the form UID[:GID]");
        var uid = Id(parts[0], "user");
        return user with { Uid = uid, Gid = parts.Length == 2 ? Id(parts[1], "user") : user.Gid };
    }

    // Digits only: a name, a sign or 0x is an error, never another user's number (CVE-2024-40635, CVE-2026-30892).
    private static uint Id(string text, string flag) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id != uint.MaxValue
            ? id : throw new OciException(
                $"--{flag}: parsing \"{text}\" as int for uid failed: it is not a number of 0 to 4294967294");
}
