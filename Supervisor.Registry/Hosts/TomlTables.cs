using Tomlyn.Model;
using Tomlyn.Serialization;

namespace Supervisor.Registry.Hosts;

/// <summary>How TOML is read without reflection, for native code. Its generator wants a class of its own.</summary>
[TomlSerializable(typeof(TomlTable))]
internal sealed partial class TomlTables : TomlSerializerContext;
