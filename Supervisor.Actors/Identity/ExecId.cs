namespace Supervisor.Actors.Identity;

/// <summary>Names one exec: its id, within a container.</summary>
public sealed record ExecId
{
    private ExecId(ContainerId container, string value) => (Container, Value) = (container, value);

    /// <summary>The container of the exec.</summary>
    public ContainerId Container { get; }

    /// <summary>The id within the container.</summary>
    public string Value { get; }

    /// <exception cref="InvalidFieldException">It is no <see cref="Identifier"/>.</exception>
    public static ExecId Parse(ContainerId container, string value, string field = "exec_id") =>
        new(container, Identifier.Check(value, field));

    /// <summary><c>namespace/container/id</c>.</summary>
    public override string ToString() => $"{Container}/{Value}";
}
