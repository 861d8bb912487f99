using System.CommandLine;
using Containerd.Types.Transfer;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Parsing;
using Supervisor.Registry;
using Supervisor.Registry.Manifests;
using Supervisor.Registry.References;
using Platform = Supervisor.Registry.Manifests.Platform;

namespace Supervisor.Cli.Images;

/// <summary>The options of verbs that talk to registries, and the messages that they become.</summary>
internal static class RegistryOptions
{
    public static Option<bool> Quiet() => new("--quiet", "-q") { Description = "Show no progress" };

    public static Option<bool> PlainHttp() => new("--plain-http")
    {
        Description = "Without TLS, if no hosts.toml says otherwise: for registries on this machine",
    };

    public static Option<string?> PlatformOption() => new("--platform")
    {
        Description = "Of another platform than this machine's, e.g. linux/arm64", HelpName = "OS/ARCH[/VARIANT]",
    };

    public static Argument<string> Image() => Ids.NoOption(new Argument<string>("image") { Description = "NAME[:TAG|@DIGEST]" });

    /// <summary>Images by a name or an id.</summary>
    public static Argument<string[]> Images() => Ids.NoOption(new Argument<string[]>("image")
    {
        Description = "NAME[:TAG], or the beginning of an id", Arity = ArgumentArity.OneOrMore,
    });

    /// <summary>A registry's repository.</summary>
    public static OCIRegistry Registry(ImageName name, bool plain) => new()
    {
        Reference = name.ToString(), Resolver = new RegistryResolver { DefaultScheme = plain ? "http" : "" },
    };

    /// <summary>A platform as users write it; null: this machine's.</summary>
    /// <exception cref="CliException">It is none.</exception>
    public static Containerd.Types.Platform Message(string? text)
    {
        try
        {
            var platform = text is null ? Platform.Host : Platform.Parse(text);
            return new Containerd.Types.Platform { Os = platform.Os, Architecture = platform.Architecture, Variant =
                platform.Variant };
        }
        catch (RegistryException e)
        {
            throw new CliException($"--platform: {e.Message}");
        }
    }
}
