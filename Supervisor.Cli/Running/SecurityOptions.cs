using System.Runtime.InteropServices;
using Supervisor.Cli.Errors;
using Supervisor.Runtime.Oci;

namespace Supervisor.Cli.Running;

/// <summary>The values of <c>--security-opt</c>, spelled as docker's.</summary>
internal static class SecurityOptions
{
    /// <summary>Their profile: the default one, one from a file, or null for none.</summary>
    /// <exception cref="CliException">An option is unknown or not supported, or the file is not a profile.</exception>
    public static SeccompSpec? Seccomp(IReadOnlyList<string> options)
    {
        var profile = "builtin";
        foreach (var option in options)
        {
            switch (option.Split('=', 2))
            {
                case ["seccomp", { Length: > 0 } value]: profile = value; break;
                case ["no-new-privileges"] or ["no-new-privileges", "true"]: break; // as it always is
                case ["no-new-privileges", ..]: throw new CliException(
                    $"--security-opt: \"{option}\": containers of run always have no_new_privs set");
                default: throw new CliException(
                    $"--security-opt: \"{option}\" is not known: seccomp=unconfined, seccomp=builtin, seccomp=FILE or "
                    + "no-new-privileges");
            }
        }
        return profile switch
        {
            "unconfined" => null,
            "builtin" => DefaultSeccomp.For(DefaultSpec.Capabilities, RuntimeInformation.ProcessArchitecture),
            _ => SeccompProfileFile.Read(profile, DefaultSpec.Capabilities, RuntimeInformation.ProcessArchitecture),
        };
    }
}
