using System.CommandLine;
using Containerd.Services.Version.V1;
using Google.Protobuf.WellKnownTypes;
using Supervisor.Cli.Connection;
using Supervisor.Cli.Output;
using Supervisor.Cli.Parsing;

namespace Supervisor.Cli.Verbs;

/// <summary><c>supervisor version</c>: the version of this program, and of the daemon if one answers.</summary>
internal static class VersionCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>docker's names of fields.</summary>
    private static readonly Dictionary<string, string> Aliases = new(StringComparer.Ordinal) { ["server"] = "daemon" };

    public static Command Create()
    {
        var format = OneValue.Format("'{{.Client.Version}} {{.Daemon.Version}}'");
        var json = JsonOption.Create();
        var command = new Command("version", "Shows versions") { format, json };
        command.Does(async (parse, cancel) =>
        {
            var template = OneValue.Template(parse, format, json);
            var daemon = await AskAsync(parse, cancel);
            await Console.Out.WriteAsync(template is null
                ? $"client  {ClientVersion.Version}  {ClientVersion.Revision}\n"
                    + (daemon is null ? "daemon  none answers\n" : $"daemon  {daemon.Version}  {daemon.Revision}\n")
                : OneValue.Render(template, Aliases, value =>
                {
                    value.WriteStartObject();
                    Write("client", ClientVersion.Version, ClientVersion.Revision);
                    if (daemon is null) value.WriteNull("daemon");
                    else Write("daemon", daemon.Version, daemon.Revision);
                    value.WriteEndObject();

                    void Write(string name, string version, string revision)
                    {
                        value.WriteStartObject(name);
                        value.WriteString("version", version);
                        value.WriteString("revision", revision);
                        value.WriteEndObject();
                    }
                }));
            return 0;
        });
        return command;
    }

    /// <summary>Null if none answers.</summary>
    private static async Task<VersionResponse?> AskAsync(ParseResult parse, CancellationToken cancel)
    {
        if (!DaemonClient.Answers(GlobalOptions.AddressOf(parse))) return null;
        using var client = GlobalOptions.Connect(parse);
        return await client.Version.VersionAsync(new Empty(), client.Call(Patience, cancel));
    }
}
