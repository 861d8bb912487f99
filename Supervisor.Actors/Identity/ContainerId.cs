namespace Supervisor.Actors.Identity;

/// <summary>Names one container: its id, within a namespace. Two namespaces may hold the same id.</summary>
public sealed record ContainerId
{
    private ContainerId(string @namespace, string value) => (Namespace, Value) = (@namespace, value);

    /// <summary>The namespace that the <c>containerd-namespace</c> header names.</summary>
    public string Namespace { get; }

    /// <summary>The id within the namespace.</summary>
    public string Value { get; }

    /// <exception cref="InvalidFieldException">Either part is no <see cref="Identifier"/>.</exception>
    public static ContainerId Parse(string @namespace, string value, string field = "id") =>
        new(Identifier.Check(@namespace, "containerd-namespace"), Identifier.Check(value, field));

    /// <summary><c>namespace/id</c>: unambiguous, since neither part can hold a slash.</summary>
    public override string ToString() => $"{Namespace}/{Value}";
}
