namespace Supervisor.Runtime.Oci;

/// <summary>Something that a spec asks for and that is not done. Whoever ignores it tells its user.</summary>
/// <param name="Field">Path of the entry, as in <see cref="InvalidSpecException.Field"/>.</param>
/// <param name="Reason">Why not, for a person to read.</param>
public sealed record UnsupportedField(string Field, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Field}: {Reason}";
}
