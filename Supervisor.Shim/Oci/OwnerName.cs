namespace Supervisor.Shim.Oci;

/// <summary>The name of a user of this host. passwd(5).</summary>
internal static class OwnerName
{
    private const int MostLines = 100_000;

    /// <returns>The number after a # where there is no name, as in runc.</returns>
    public static string Of(uint uid)
    {
        try
        {
            foreach (var line in File.ReadLines("/etc/passwd").Take(MostLines))
                if (line.Split(':') is [var name, _, var number, ..] && number == $"{uid}") return name;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
        return $"#{uid}";
    }
}
