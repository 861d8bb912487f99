using System.Text;

namespace Supervisor.Shim.Oci;

/// <summary><c>list</c>: all containers of the root.</summary>
internal static class ListVerb
{
    public static readonly Verb Verb = new("list", "", "list the containers of the root",
        [Flag.Value("format f", "table or json"), Flag.Switch("quiet q", "ids only")], 0, 0, Run);

    private static int Run(Invocation invocation)
    {
        var format = invocation.Arguments.Text("format") ?? "table";
        if (format is not ("table" or "json")) throw new OciException("invalid format option");
        if (invocation.Arguments.IsSet("quiet"))
        {
            foreach (var id in invocation.Store.Ids()) Streams.Write(id + "\n");
            return 0;
        }
        var all = new List<LiveContainer>();
        try
        {
            foreach (var id in invocation.Store.Ids())
            {
                try
                {
                    if (LiveContainer.TryOpen(invocation.Store, id) is { } live) all.Add(live);
                }
                catch (OciException e)
                {
                    Log.Warning(e.Message);
                }
            }
            Streams.Write(format is "json" ? StateJson.Of(all) + "\n" : Table(all));
            return 0;
        }
        finally
        {
            foreach (var live in all) live.Dispose();
        }
    }

    /// <summary>Columns of at least 12, three spaces apart.</summary>
    private static string Table(List<LiveContainer> all)
    {
        string[][] rows =
        [
            ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"],
            .. all.Select(l => (string[])[l.State.Id, $"{l.Pid}", l.Status, l.State.Bundle, StateJson.Time(l.State.Created),
                OwnerName.Of(l.State.Owner)]),
        ];
        var text = new StringBuilder();
        var widths = Enumerable.Range(0, 6).Select(c => Math.Max(12, rows.Max(r => r[c].Length) + 3)).ToArray();
        foreach (var row in rows)
        {
            for (var c = 0; c < 5; c++) text.Append(row[c].PadRight(widths[c]));
            text.Append(row[5]).Append('\n');
        }
        return text.ToString();
    }
}
