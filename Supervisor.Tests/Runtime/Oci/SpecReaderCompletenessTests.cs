using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Oci;

public sealed class SpecReaderCompletenessTests
{
    private delegate object Reader(ReadOnlySpan<byte> document);

    /// <summary>A value of another kind is refused only by a reader that reads the property.</summary>
    [Fact]
    public void Every_property_that_is_written_is_read()
    {
        var (missing, tried) = (new List<string>(), 0);
        Try(typeof(Spec), SpecReader.Read);
        Try(typeof(ProcessSpec), SpecReader.ReadProcess);
        Try(typeof(ResourcesSpec), SpecReader.ReadResources);
        Try(typeof(SeccompSpec), SpecReader.ReadSeccomp);
        Assert.Empty(missing);
        Assert.InRange(tried, 200, 1000);

        void Try(Type type, Reader read)
        {
            foreach (var (path, document) in WrongValues(type, "", value => value))
            {
                tried++;
                try
                {
                    read(Encoding.UTF8.GetBytes(document));
                    missing.Add(document);
                }
                catch (InvalidSpecException e) when (e.Field == path)
                {
                    // as it should be
                }
            }
        }
    }

    /// <summary>For each property below a type, a document that gives it a value of another kind.</summary>
    private static IEnumerable<(string Path, string Document)> WrongValues(Type type, string above, Func<string, string> wrap)
    {
        foreach (var property in SpecJson.Of<Spec>().Options.GetTypeInfo(type).Properties)
        {
            if (property.PropertyType == typeof(JsonElement?)) continue; // a value of any kind
            var path = above.Length == 0 ? property.Name : $"{above}.{property.Name}";
            string Within(string value) => wrap($"{{\"{property.Name}\":{value}}}");
            var info = property.Options.GetTypeInfo(property.PropertyType);
            yield return (path, Within(info.Kind is JsonTypeInfoKind.None or JsonTypeInfoKind.Enumerable ? "{}" : "7"));
            foreach (var below in info.Kind switch
            {
                JsonTypeInfoKind.Object => WrongValues(info.Type, path, Within),
                JsonTypeInfoKind.Enumerable => Elements(info.ElementType!, path + "[0]", v => Within($"[{v}]")),
                JsonTypeInfoKind.Dictionary => Elements(info.ElementType!, path + ".a", v => Within($"{{\"a\":{v}}}")),
                _ => [],
            }) yield return below;
        }
    }

    private static IEnumerable<(string, string)> Elements(Type type, string path, Func<string, string> wrap) =>
        SpecJson.Of<Spec>().Options.GetTypeInfo(type).Kind is JsonTypeInfoKind.Object
            ? WrongValues(type, path, wrap).Prepend((path, wrap("7"))) : [(path, wrap("{}"))];
}
