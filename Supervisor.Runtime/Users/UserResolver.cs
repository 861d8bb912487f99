using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Users;

/// <summary>
/// Resolves <c>-u USER[:GROUP]</c>. Digits are an id and never a name, whatever the account files say; an id out of range is an
/// error and never a name (CVE-2024-40635).
/// </summary>
public static class UserResolver
{
    private const int MostGroups = 65_536; // NGROUPS_MAX, setgroups(2)

    /// <param name="text">What was typed.</param>
    /// <param name="read">Reads a file of the rootfs; null if it does not exist.</param>
    /// <exception cref="UnknownUserException">No such user or group, or no such id.</exception>
    public static UserSpec Resolve(string text, Func<string, string?> read)
    {
        var parts = text.Split(':');
        if (parts.Length > 2 || parts.Any(p => p.Length == 0)) throw Bad(text, "must be USER or USER:GROUP");
        if (parts.Length == 2)
        {
            var user = IsNumber(parts[0]) ? Id(text, "user", parts[0]) : FindUser(text, parts[0], read).Uid;
            return InGroups(user, FindGroup(text, parts[1], read), []);
        }
        // Without a group the user's own ones are used, as for login(1).
        var entry = FindUser(text, parts[0], read);
        var others = entry.Name.Length == 0 ? [] : Groups(read)
            .Where(g => g.Members.Contains(entry.Name, StringComparer.Ordinal)).Select(g => g.Gid);
        var found = InGroups(entry.Uid, entry.Gid, others);
        return found.AdditionalGids.Count <= MostGroups ? found
            : throw Bad(text, $"is in {found.AdditionalGids.Count} groups, at most {MostGroups} are allowed");
    }

    /// <summary>
    /// The primary group is a supplementary one too, as with docker and containerd: a program that is setgid for another group
    /// would drop it, and with it what a file denies to that group (CVE-2022-36109).
    /// </summary>
    private static UserSpec InGroups(uint uid, uint gid, IEnumerable<uint> others) =>
        new() { Uid = uid, Gid = gid, AdditionalGids = [.. others.Prepend(gid).Distinct()] };

    /// <summary>A group of the host, by name or number.</summary>
    /// <exception cref="UnknownUserException">No such group.</exception>
    public static uint HostGroup(string text)
    {
        using var host = new RootfsFiles("/");
        try
        {
            return FindGroup(text, text, host.TryRead);
        }
        catch (UnknownUserException)
        {
            throw new UnknownUserException(
                $"--group: \"{text}\" is neither a group in this host's /etc/group nor a number up to {AccountFiles.LargestId}");
        }
    }

    private static PasswdEntry FindUser(string text, string user, Func<string, string?> read)
    {
        var passwd = AccountFiles.Passwd(read("etc/passwd") ?? "");
        if (IsNumber(user))
        {
            var uid = Id(text, "user", user);
            return passwd.Where(e => e.Uid == uid).Append(new PasswdEntry("", uid, 0)).First();
        }
        CheckName(text, user);
        foreach (var entry in passwd)
        {
            if (entry.Name == user) return entry;
        }
        throw Bad(text, $"the container's /etc/passwd has no user \"{user}\"");
    }

    private static uint FindGroup(string text, string group, Func<string, string?> read)
    {
        if (IsNumber(group)) return Id(text, "group", group);
        CheckName(text, group);
        foreach (var entry in Groups(read))
        {
            if (entry.Name == group) return entry.Gid;
        }
        throw Bad(text, $"the container's /etc/group has no group \"{group}\"");
    }

    private static IEnumerable<GroupEntry> Groups(Func<string, string?> read) => AccountFiles.Group(read("etc/group") ?? "");

    private static uint Id(string text, string of, string number) =>
        AccountFiles.TryId(number) ?? throw Bad(text, $"{of} id {number} is not in 0 to {AccountFiles.LargestId}");

    private static bool IsNumber(string text) => text.All(char.IsAsciiDigit);

    /// <summary>Letters first, so that <c>0x0</c>, <c>-1</c> and <c>" 0"</c> are neither ids nor names.</summary>
    private static void CheckName(string text, string name)
    {
        var good = name.Length <= 256 && (char.IsAsciiLetter(name[0]) || name[0] == '_')
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '$' or '@');
        if (!good) throw Bad(text, $"\"{name}\" is neither a number nor a name");
    }

    private static UnknownUserException Bad(string text, string why) => new($"--user: \"{text}\": {why}");
}
