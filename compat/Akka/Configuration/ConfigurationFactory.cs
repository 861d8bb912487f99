using System.Reflection;
using Akka.Configuration.Hocon;

namespace Akka.Configuration;

public class ConfigurationFactory
{
    private static readonly Lazy<Config> Reference = new(() => FromResource("Akka.reference.conf", typeof(ConfigurationFactory).Assembly));

    public static Config Empty => Config.Empty;

    /// <exception cref="FormatException">Not HOCON, with line and column; or a ${substitution} that leads nowhere.</exception>
    public static Config ParseString(string hocon) => new(HoconParser.Parse(hocon));
    public static Config ParseString(string hocon, Func<string, HoconRoot> includeCallback) => new(HoconParser.Parse(hocon, includeCallback));

    /// <summary>The library's own defaults.</summary>
    public static Config Default() => Reference.Value;

    /// <summary>Properties, dictionaries and lists become members and arrays.</summary>
    public static Config FromObject(object source) => ParseString(Newtonsoft.Json.JsonConvert.SerializeObject(source));
    public static Config FromResource<TAssembly>(string resourceName) => FromResource(resourceName, typeof(TAssembly).Assembly);

    public static Config FromResource(string resourceName, Assembly assembly)
    {
        using var stream = assembly.GetManifestResourceStream(resourceName)
            ?? throw new ConfigurationException($"No embedded resource '{resourceName}' in {assembly.GetName().Name}");
        using var reader = new StreamReader(stream);
        return ParseString(reader.ReadToEnd());
    }
}
