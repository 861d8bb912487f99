using System.Globalization;
using System.Text;
using Containerd.Types.Transfer;

namespace Supervisor.Cli.Images;

/// <summary>
/// A transfer's progress on standard error: a line for each part, redrawn on a terminal; elsewhere a line when something about a
/// part
/// has changed.
/// </summary>
internal sealed class TransferDisplay(TextWriter output, bool redraws)
{
    private const int Barwidth = 30;

    private readonly List<string> _order = [];
    private readonly Dictionary<string, Progress> _parts = new(StringComparer.Ordinal);
    private int _drawn;

    /// <summary>On standard error.</summary>
    public static TransferDisplay OnErrors() => new(Console.Error, !Console.IsErrorRedirected);

    public void Show(Progress progress)
    {
        if (progress.Name.Length == 0 || progress.Desc is null) return;
        if (progress.Event is "saved") return; // the command's own output says it
        var known = _parts.GetValueOrDefault(progress.Name);
        if (known is null) _order.Add(progress.Name);
        _parts[progress.Name] = progress;
        if (redraws) Draw();
        else if (progress.Event is not ("waiting" or "downloading" or "uploading") && known?.Event != progress.Event)
            output.WriteLine($"{Short(progress.Name)}: {progress.Event}");
    }

    private void Draw()
    {
        var text = new StringBuilder();
        if (_drawn > 0) text.Append(CultureInfo.InvariantCulture, $"\e[{_drawn}A");
        foreach (var part in _order.Select(n => _parts[n])) text.Append("\r\e[K").Append(Line(part)).Append('\n');
        _drawn = _order.Count;
        output.Write(text);
    }

    private static string Line(Progress part)
    {
        var line = $"{Short(part.Name)}: {part.Event}";
        if (part.Event is not ("downloading" or "uploading") || part.Total <= 0) return line;
        var filled = (int)Math.Clamp(part.Progress_ * Barwidth / part.Total, 0, Barwidth);
        return $"{line}  [{new string('=', filled)}{new string(' ', Barwidth - filled)}] {ByteCount.Text(part.Progress_)}/"
            + ByteCount.Text(part.Total);
    }

    // layer-sha256:0123456789ab…
    private static string Short(string name)
    {
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 || name.Length < colon + 13 ? name : $"{name[..colon].Split('-')[0]} {name[(colon + 1)..(colon + 13)]}";
    }
}
