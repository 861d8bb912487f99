using System.Text;
using System.Text.Json.Nodes;
using Supervisor.Runtime.Oci;

namespace Supervisor.Tests.Runtime.Oci;

/// <summary>The quick reader says what the deserializer says, or nothing.</summary>
public sealed class QuickSpecReaderTests
{
    [Theory]
    [InlineData("ctr.json")]
    public void It_reads_the_specs_of_big_callers(string name) => Assert.NotNull(QuickSpecReader.TryRead(Fixture.Bytes(name)));

    [Fact]
    public void It_reads_our_own_default_spec() =>
        Assert.NotNull(QuickSpecReader.TryRead(SpecWriter.Write(DefaultSpec.Create(["sh"], "rootfs"))));

    /// <summary>Every value of the fixtures in turn is replaced by others, of its own kind and of other kinds.</summary>
    [Theory]
    [InlineData("ctr.json")]
    [InlineData("dockerd.json")]
    public void It_agrees_with_the_deserializer_on_every_change_of_a_value(string name)
    {
        string[] values = ["null", "true", "\"text\"", "-1", "4294967296", "1.5", "1e3", "18446744073709551616", "[]", "[\"a\"]",
            "[1]", "{}", "{\"a\":\"b\"}", "{\"limit\":1}"];
        var read = 0;
        foreach (var place in Places(Ordinary(name)))
            foreach (var value in values)
            {
                var document = Ordinary(name);
                if (Replace(document, place, JsonNode.Parse(value)) && Agree(Encoding.UTF8.GetBytes(document.ToJsonString())))
                    read++;
            }
        Assert.True(read > 100, $"only {read} of the documents were read quickly: the test proves nothing");
    }

    [Fact]
    public void A_name_that_it_does_not_know_is_left_to_the_deserializer()
    {
        var document = Fixture.Changed(d => d["linux"]!["personality"] = new JsonObject { ["domain"] = "LINUX32" });
        Assert.Null(QuickSpecReader.TryRead(document));
        Assert.Equal("LINUX32", SpecReader.Read(document).Linux!.Personality!.Domain);
    }

    /// <summary>Without what makes the quick reader give up: else the rest would not be looked at.</summary>
    private static JsonNode Ordinary(string name)
    {
        var document = JsonNode.Parse(Fixture.Bytes(name))!;
        (document["linux"]!["resources"]!["blockIO"] as JsonObject)?.Remove("throttleReadBpsDevice");
        return document;
    }

    /// <returns>Whether the quick reader read it.</returns>
    private static bool Agree(byte[] document)
    {
        if (QuickSpecReader.TryRead(document) is not { } quick) return false;
        var slow = SpecReader.Deserialize(document, SpecJson.Of<Spec>());
        Assert.Equal(Encoding.UTF8.GetString(SpecWriter.Write(slow)), Encoding.UTF8.GetString(SpecWriter.Write(quick)));
        return true;
    }

    private static IEnumerable<string[]> Places(JsonNode node, params string[] above)
    {
        var inside = node switch
        {
            JsonObject o => o.Where(p => p.Value is not null).Select(p => (p.Key, p.Value!)),
            JsonArray a => a.Take(2).Select((value, i) => ($"{i}", value!)),
            _ => [],
        };
        foreach (var (key, value) in inside)
        {
            yield return [.. above, key];
            foreach (var place in Places(value, [.. above, key])) yield return place;
        }
    }

    private static bool Replace(JsonNode document, string[] place, JsonNode? value)
    {
        var node = document;
        foreach (var key in place[..^1]) node = node is JsonArray array ? array[int.Parse(key)]! : node[key]!;
        if (node is JsonArray list)
        {
            if (value is null) return false; // DocumentForm refuses it before either reader
            list[int.Parse(place[^1])] = value;
        }
        else node[place[^1]] = value;
        return true;
    }
}
