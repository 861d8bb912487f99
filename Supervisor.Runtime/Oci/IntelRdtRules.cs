namespace Supervisor.Runtime.Oci;

/// <summary>Validates cache and bandwidth allocation. Documentation/filesystems/resctrl.rst.</summary>
internal static class IntelRdtRules
{
    public static void Check(IntelRdtSpec rdt)
    {
        if (rdt.ClosID is { } id
            && (id.Length is 0 or > 255 || id is "." or ".." or "info" or "mon_groups" or "mon_data"
            || id.AsSpan().ContainsAny('/', '\0', '\n')))
            throw new InvalidSpecException("linux.intelRdt.closID", $"\"{id}\" is not a directory name");
        Line("linux.intelRdt.l3CacheSchema", rdt.L3CacheSchema);
        Line("linux.intelRdt.memBwSchema", rdt.MemBwSchema);
    }

    private static void Line(string field, string? schema)
    {
        if (schema?.Contains('\0') == true) throw new InvalidSpecException(field, "contains a NUL");
        if (schema?.Length > 4096) throw new InvalidSpecException(field, "has more than 4096 characters");
    }
}
