namespace Supervisor.Shim.Oci;

/// <summary>What a verb could not do, in the words that callers of runc match on.</summary>
internal sealed class OciException(string message, Exception? inner = null) : Exception(message, inner);
