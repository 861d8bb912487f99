namespace Supervisor.Runtime.Oci;

/// <summary>Validates a device node's spec.</summary>
internal static class DeviceRules
{
    private const long LargestMajor = (1 << 12) - 1, LargestMinor = (1 << 20) - 1; // linux/kdev_t.h

    public static void Check(IReadOnlyList<DeviceSpec> devices)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < devices.Count; i++)
        {
            var (device, field) = (devices[i], $"linux.devices[{i}]");
            Text.AbsolutePath(field + ".path", device.Path);
            var parts = device.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0 || parts.Any(p => p is "." or ".."))
                throw new InvalidSpecException(field + ".path", $"\"{device.Path}\" is not a plain file path");
            if (!seen.Add(string.Join('/', parts)))
                throw new InvalidSpecException(field + ".path", $"\"{device.Path}\" is given twice");
            if (device.Type is not ("c" or "b" or "u" or "p"))
                throw new InvalidSpecException(field + ".type", $"\"{device.Type}\" is not one of c, b, u, p");
            if (device.Type is not "p") Numbers(field, device.Major, device.Minor, lowest: 0);
            if (device.FileMode > 0xffff)
                throw new InvalidSpecException(field + ".fileMode", $"{device.FileMode} is not a file mode");
        }
    }

    /// <param name="field">The field that has the two numbers.</param>
    /// <param name="major">Major number.</param>
    /// <param name="minor">Minor number.</param>
    /// <param name="lowest">-1 where that means all.</param>
    public static void Numbers(string field, long major, long minor, long lowest)
    {
        if (major < lowest || major > LargestMajor)
            throw new InvalidSpecException(field + ".major", $"{major} is not within {lowest} to {LargestMajor}");
        if (minor < lowest || minor > LargestMinor)
            throw new InvalidSpecException(field + ".minor", $"{minor} is not within {lowest} to {LargestMinor}");
    }
}
