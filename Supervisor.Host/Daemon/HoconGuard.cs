using System.Text;

namespace Supervisor.Host.Daemon;

/// <summary>
/// Refuses a text on which Akka's parser would overflow the stack and so kill the process without a message: settings that
/// refer to themselves (the parser accepts them, and overflows when the setting is read or merged), and deep nesting. It also
/// refuses an include, on which the parser fails with a null reference, and unmatched brackets, which it accepts.
/// </summary>
internal sealed class HoconGuard
{
    /// <summary>Limit for levels of braces and brackets, parts of a path, and chained substitutions.</summary>
    private const int MaxDepth = 100;

    private readonly string _text;
    private readonly List<Setting> _settings = [];
    private readonly Stack<Level> _levels = [];
    private readonly StringBuilder _key = new();
    private int _at, _line = 1;
    private string _path = "";
    private Setting? _value; // the setting whose value is being read; null while the key is

    private HoconGuard(string text) => _text = text;

    /// <param name="References">Paths in its substitutions.</param>
    private sealed record Setting(string Path, int Line, List<string> References);

    /// <summary>What continues after the closing bracket.</summary>
    private sealed record Level(char Close, string Path, Setting? Value, int Line);

    /// <returns>Every path that is set, with its line.</returns>
    /// <exception cref="FormatException">Names the line and the reason.</exception>
    public static IReadOnlyList<(string Path, int Line)> Check(string text)
    {
        var guard = new HoconGuard(text);
        guard.Read();
        guard.FollowReferences();
        return [.. guard._settings.Select(s => (s.Path.Replace("\"", "", StringComparison.Ordinal), s.Line))];
    }

    private static FormatException Refuse(int line, string reason) => new($"line {line}: {reason}");

    private void Read()
    {
        while (_at < _text.Length)
        {
            var c = _text[_at];
            if (c == '\n')
            {
                _line++;
                EndStatement();
                _at++;
            }
            else if (c == '#' || Looking("//")) SkipTo("\n", after: false);
            else if (Looking("\"\"\"")) Text("\"\"\"", escapes: false);
            else if (c == '"') Text("\"", escapes: true);
            else if (Looking("${")) Substitution();
            else
            {
                Character(c);
                _at++;
            }
        }
        if (_levels.TryPeek(out var open)) throw Refuse(open.Line, $"what is opened here is not closed by \"{open.Close}\"");
    }

    private void Character(char c)
    {
        switch (c)
        {
            case '{':
                if (_value is null && _key.ToString().Trim().Length > 0) BeginValue();
                Enter('}', _value?.Path ?? _path, null);
                break;
            case '[':
                Enter(']', _path, _value);
                break;
            case '}' or ']':
                if (!_levels.TryPop(out var level) || level.Close != c)
                    throw Refuse(_line, $"\"{c}\" closes nothing that was opened");
                (_path, _value) = (level.Path, level.Value);
                _key.Clear();
                break;
            case ',':
                EndStatement();
                break;
            case '=' or ':' when _value is null:
                BeginValue();
                break;
            default:
                if (_value is null) _key.Append(c);
                break;
        }
    }

    private void Enter(char close, string path, Setting? value)
    {
        _levels.Push(new Level(close, _path, _value, _line));
        if (_levels.Count > MaxDepth) throw Refuse(_line, $"braces and brackets are nested deeper than {MaxDepth} levels");
        (_path, _value) = (path, value);
        _key.Clear();
    }

    private void BeginValue()
    {
        var key = _key.ToString().Trim().TrimEnd('+').TrimEnd();
        if (key.Count(c => c == '.') >= MaxDepth) throw Refuse(_line, $"a path has more than {MaxDepth} parts");
        _value = new Setting(_path.Length == 0 ? key : $"{_path}.{key}", _line, []);
        _settings.Add(_value);
        _key.Clear();
    }

    // A newline separates elements of an array, but ends no setting.
    private void EndStatement()
    {
        if (_levels.TryPeek(out var level) && level.Close == ']') return;
        _value = null;
        _key.Clear();
    }

    private void Text(string quote, bool escapes)
    {
        if (_value is null && _key.ToString().Trim() == "include")
            throw Refuse(_line, "\"include\" is not supported; name one file that holds all settings");
        var start = _at;
        _at += quote.Length;
        while (_at < _text.Length && !Looking(quote))
        {
            if (_text[_at] == '\n') _line++;
            _at += escapes && _text[_at] == '\\' ? 2 : 1;
        }
        _at = Math.Min(_at + quote.Length, _text.Length);
        if (_value is null) _key.Append(_text, start, _at - start);
    }

    private void Substitution()
    {
        var start = _at;
        SkipTo("}", after: true);
        var path = _text[start.._at].TrimStart('$', '{', '?').TrimEnd('}').Trim();
        _line += path.Count(c => c == '\n');
        _value?.References.Add(path);
    }

    private void SkipTo(string end, bool after)
    {
        var found = _text.IndexOf(end, _at, StringComparison.Ordinal);
        _at = found < 0 ? _text.Length : found + (after ? end.Length : 0);
    }

    private bool Looking(string ahead) => string.CompareOrdinal(_text, _at, ahead, 0, ahead.Length) == 0;

    private void FollowReferences()
    {
        var settings = _settings.FindAll(s => s.References.Count > 0);
        var (done, way) = (new HashSet<Setting>(ReferenceEqualityComparer.Instance), new List<Setting>());
        foreach (var setting in settings) Follow(setting);

        void Follow(Setting setting)
        {
            if (done.Contains(setting)) return;
            if (way.Count == MaxDepth)
                throw Refuse(way[0].Line, $"\"{way[0].Path}\" leads through more than {MaxDepth} substitutions");
            way.Add(setting);
            foreach (var reference in setting.References)
            {
                foreach (var next in settings.Where(s => Overlap(s.Path, reference)))
                {
                    var begin = way.FindIndex(s => ReferenceEquals(s, next));
                    if (begin >= 0) throw Refuse(next.Line, Cycle(way[begin..]));
                    Follow(next);
                }
            }
            way.RemoveAt(way.Count - 1);
            done.Add(setting);
        }
    }

    private static string Cycle(List<Setting> way) => way.Count == 1
        ? $"\"{way[0].Path}\" refers to itself"
        : $"\"{way[0].Path}\" refers to itself through "
            + $"{string.Join(", ", way[1..].Select(s => $"\"{s.Path}\" (line {s.Line})"))}";

    /// <summary>Whether the value of one path contains or equals the other's.</summary>
    private static bool Overlap(string one, string other) =>
        one == other || one.StartsWith(other + ".", StringComparison.Ordinal)
            || other.StartsWith(one + ".", StringComparison.Ordinal);
}
