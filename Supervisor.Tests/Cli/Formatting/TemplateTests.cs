using System.Text.Json;
using Supervisor.Cli.Errors;
using Supervisor.Cli.Formatting;

namespace Supervisor.Tests.Cli.Formatting;

/// <summary>Templates as docker's users write them.</summary>
public sealed class TemplateTests
{
    private static readonly Dictionary<string, string> Aliases = new() { ["names"] = "id" };

    private static readonly JsonElement Document = JsonDocument.Parse(
        """
        { "id": "c1", "pid": 7, "task": { "status": "running", "oomKilled": false }, "none": null,
          "command": ["sh", "-c"], "labels": { "a.b": "x", "role": "web" } }
        """).RootElement;

    [Theory]
    [InlineData("{{.ID}}", "c1")]
    [InlineData("{{ .Id }} is {{.Task.Status}}", "c1 is running")]
    [InlineData("{{.Names}}", "c1")]
    [InlineData("{{.pid}}{{.task.oomkilled}}", "7false")]
    [InlineData("{{.None}}|{{.None.Status}}", "|")]
    [InlineData("{{.Command}}", "[sh -c]")] // as Go prints it
    [InlineData("{{json .Command}}", """["sh","-c"]""")]
    [InlineData("{{join .Command \", \"}}", "sh, -c")]
    [InlineData("{{index .Labels \"a.b\"}}{{index .Labels \"none\"}}", "x")]
    [InlineData("{{json .Task}}", """{"status":"running","oomKilled":false}""")]
    [InlineData(@"a\tb\n{{.ID}}", "a\tb\nc1")]
    [InlineData("} {.ID} }} {{.ID}}", "} {.ID} }} c1")]
    public void A_template_is_rendered(string template, string expected) =>
        Assert.Equal(expected, Template.Parse(template).Render(Document, Aliases));

    [Theory]
    [InlineData("{{.ID", "\"{{.ID\" has no end")]
    [InlineData("{{range .Labels}}", "\"{{range .Labels}}\" is not understood")]
    [InlineData("{{ID}}", "\"{{ID}}\" is not understood")]
    [InlineData("xml", "\"xml\" is neither")]
    [InlineData("{{}}", "\"{{}}\" is not understood")]
    [InlineData("{{index .Labels}}", "is not understood")]
    [InlineData("{{json .Labels \"a\"}}", "is not understood")]
    [InlineData("{{.Ports}}", "there is no .Ports: there are .id, .pid, .task")]
    [InlineData("{{.Task.Port}}", "there is no .Task.Port: there are .status, .oomKilled")]
    [InlineData("{{.Id.X}}", "there is no .Id.X: what is before it has no fields")]
    [InlineData("{{join .Id \",\"}}", ".Id is not a list")]
    public void An_error_names_the_option_and_the_part(string template, string flaw)
    {
        var refused = Assert.Throws<CliException>(() => Template.Parse(template).Render(Document, Aliases));
        Assert.StartsWith("--format: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(flaw, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_has_a_heading_and_aligned_columns() => Assert.Equal(
        "ID  STATUS   ROLE\nc1  running  web\n",
        Format.Render(Template.Parse("table {{.ID}}\\t{{.Task.Status}}\\t{{index .Labels \"role\"}}"), [Document]));

    [Fact]
    public void A_value_with_tabs_stays_one_cell() => Assert.Equal(
        "A  B\n1  2\t3\n",
        Format.Render(
            Template.Parse("table {{.A}}\\t{{.B}}"), [JsonDocument.Parse("""{ "a": 1, "b": "2\t3" }""").RootElement]));

    [Fact]
    public void Any_text_is_a_template_or_an_error()
    {
        var random = new Random(1);
        string[] pieces =
        [
            "{{.ID}}", "{{json .}}", "{{", "}}", ".", "json ", "index ", "join ", "\"", "ID", "labels", " ", "\\t", "table ",
            "\0", "é", "{",
        ];
        var good = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(random.GetItems(pieces, random.Next(12)));
            try
            {
                Format.Render(Template.Parse(text), [Document], Aliases);
                good++;
            }
            catch (CliException)
            {
                // The only exception.
            }
        }
        Assert.InRange(good, 100, 19_900);
    }
}
