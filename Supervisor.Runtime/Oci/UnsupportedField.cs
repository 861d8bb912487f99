namespace Supervisor.Runtime.Oci;

/// <summary>An entry of a spec that is not supported. A caller that ignores it must warn its user.</summary>
/// <param name="Field">Path of the entry, as in <see cref="InvalidSpecException.Field"/>.</param>
/// <param name="Reason">Why not, for the user.</param>
public sealed record UnsupportedField(string Field, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Field}: {Reason}";
}
