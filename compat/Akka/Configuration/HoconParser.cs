using System.Globalization;
using System.Text;

namespace Akka.Configuration.Hocon;

/// <summary>HOCON text to tree, by the published HOCON specification (lightbend/config, HOCON.md): comments, dotted and quoted
/// keys, merged objects, +=, concatenation, ${substitutions}, includes. Unquoted text may hold ':' and '=' after its key.</summary>
internal sealed class HoconParser
{
    private readonly string _text;
    private readonly Func<string, HoconRoot> _include;
    private readonly int _includeDepth;
    private int _at;
    private int _depth;

    private HoconParser(string text, Func<string, HoconRoot> include, int includeDepth)
    {
        _text = text;
        _include = include;
        _includeDepth = includeDepth;
    }

    /// <exception cref="FormatException">With line and column.</exception>
    public static HoconValue Parse(string text, Func<string, HoconRoot> include = null) =>
        new HoconResolver(ParseUnresolved(text, include, 0)).Resolve();

    private static HoconValue ParseUnresolved(string text, Func<string, HoconRoot> include, int includeDepth)
    {
        if (includeDepth > 32) throw new FormatException("Includes are nested more than 32 deep");
        var parser = new HoconParser(text ?? "", include, includeDepth);
        parser.SkipSeparators();
        if (parser.Peek() == '[') throw parser.Error("The root of a configuration is an object");
        var braces = parser.Peek() == '{';
        if (braces) parser._at++;
        var root = parser.Members(braces ? '}' : '\0');
        parser.SkipSeparators();
        return parser.End ? root : throw parser.Error("Text after the end of the root object");
    }

    private bool End => _at >= _text.Length;
    private char Peek(int ahead = 0) => _at + ahead < _text.Length ? _text[_at + ahead] : '\0';
    private bool StartsWith(string s) => string.CompareOrdinal(_text, _at, s, 0, s.Length) == 0;
    private bool AtComment => Peek() == '#' || (Peek() == '/' && Peek(1) == '/');
    private static bool IsBlank(char c) => c is not '\n' && (char.IsWhiteSpace(c) || c == '\uFEFF');

    private FormatException Error(string what)
    {
        var before = _text.AsSpan(0, Math.Min(_at, _text.Length));
        return new FormatException($"{what} (line {before.Count('\n') + 1}, column {before.Length - before.LastIndexOf('\n')})");
    }

    private void SkipBlanks()
    {
        while (!End && IsBlank(Peek())) _at++;
    }

    private void SkipComment()
    {
        while (!End && Peek() != '\n') _at++;
    }

    private void SkipLines()
    {
        while (!End)
            if (AtComment) SkipComment();
            else if (Peek() == '\n' || IsBlank(Peek())) _at++;
            else return;
    }

    private void SkipSeparators()
    {
        do SkipLines();
        while (Peek() == ',' && _at++ >= 0);
    }

    private HoconValue Members(char close)
    {
        if (++_depth > HoconValue.MaxDepth) throw Error($"Nested more than {HoconValue.MaxDepth} deep");
        var members = new Dictionary<string, HoconValue>();
        while (true)
        {
            SkipSeparators();
            if (End)
            {
                if (close != '\0') throw Error("Expected }");
                break;
            }
            if (Peek() == close)
            {
                _at++;
                break;
            }
            if (Include(members)) continue;
            var path = Path();
            SkipLines();
            if (StartsWith("+="))
            {
                _at += 2;
                Append(members, path, Value());
            }
            else if (Peek() == '{') Assign(members, path, Value());
            else if (Peek() is ':' or '=')
            {
                _at++;
                Assign(members, path, Value());
            }
            else throw Error($"Expected ':', '=', '+=' or '{{' after the key '{string.Join('.', path)}'");
        }
        _depth--;
        return new HoconValue(members);
    }

    private List<string> Path()
    {
        var path = new List<string>();
        var key = new StringBuilder();
        var blanks = new StringBuilder();
        var any = false;
        while (true)
        {
            var c = Peek();
            if (c == '"')
            {
                key.Append(blanks).Append(Quoted());
                blanks.Clear();
                any = true;
            }
            else if (c == '.')
            {
                _at++;
                Finish();
            }
            else if (End || c is ':' or '=' or '{' or '}' or '[' or ']' or ',' or '\n' || AtComment || StartsWith("+=")) break;
            else if (IsBlank(c))
            {
                if (any) blanks.Append(c);
                _at++;
            }
            else
            {
                key.Append(blanks).Append(c);
                blanks.Clear();
                any = true;
                _at++;
            }
        }
        Finish();
        return path;

        void Finish()
        {
            if (!any) throw Error("Expected a key");
            path.Add(key.ToString());
            key.Clear();
            blanks.Clear();
            any = false;
        }
    }

    private HoconValue Value()
    {
        SkipLines();
        var parts = new List<HoconValue>();
        var blanks = new StringBuilder();
        while (!End)
        {
            var c = Peek();
            if (c is '\n' or ',' or '}' or ']' || AtComment) break;
            if (IsBlank(c))
            {
                blanks.Append(c);
                _at++;
                continue;
            }
            var part = Part(c);
            if (parts.Count > 0 && blanks.Length > 0) parts.Add(new HoconValue(blanks.ToString(), quoted: false));
            blanks.Clear();
            parts.Add(part);
        }
        return parts.Count switch
        {
            0 => throw Error("Expected a value"),
            1 when parts[0] is { Text: "null", Quoted: false } => new HoconValue(),
            1 => parts[0],
            _ when parts.All(p => p.IsString()) => new HoconValue(string.Concat(parts.Select(p => p.Text)), parts.Any(p => p.Quoted)),
            _ => new Concatenation(parts),
        };
    }

    private HoconValue Part(char c)
    {
        switch (c)
        {
            case '{':
                _at++;
                return Members('}');
            case '[':
                _at++;
                return Array();
            case '"':
                return new HoconValue(Quoted(), quoted: true);
            case '$' when Peek(1) == '{':
                return SubstitutionPart();
            default:
                var start = _at;
                while (!End && !IsBlank(c = Peek()) && c is not ('\n' or ',' or '}' or ']' or '{' or '[' or '"') && !AtComment && !(c == '$' && Peek(1) == '{')) _at++;
                return new HoconValue(_text[start.._at], quoted: false);
        }
    }

    private HoconValue Array()
    {
        if (++_depth > HoconValue.MaxDepth) throw Error($"Nested more than {HoconValue.MaxDepth} deep");
        var items = new List<HoconValue>();
        while (true)
        {
            SkipSeparators();
            if (End) throw Error("Expected ]");
            if (Peek() == ']') break;
            items.Add(Value());
        }
        _at++;
        _depth--;
        return new HoconValue(items);
    }

    private Substitution SubstitutionPart()
    {
        var close = _text.IndexOf('}', _at);
        if (close < 0) throw Error("Expected } after ${");
        var path = _text[(_at + 2)..close];
        _at = close + 1;
        var optional = path.StartsWith('?');
        return new Substitution((optional ? path[1..] : path).Trim(), optional);
    }

    private string Quoted()
    {
        if (StartsWith("\"\"\""))
        {
            var from = _at + 3;
            var to = _text.IndexOf("\"\"\"", from, StringComparison.Ordinal);
            if (to < 0) throw Error("Expected \"\"\"");
            // Further quotes belong to the text: """"a"""" is "a" in quotes.
            while (to + 3 < _text.Length && _text[to + 3] == '"') to++;
            _at = to + 3;
            return _text[from..to];
        }
        _at++;
        var text = new StringBuilder();
        while (true)
        {
            if (End || Peek() == '\n') throw Error("Expected a closing quote");
            var c = _text[_at++];
            if (c == '"') return text.ToString();
            text.Append(c == '\\' ? Escape() : c);
        }
    }

    private char Escape()
    {
        var c = Peek();
        _at++;
        switch (c)
        {
            case '"' or '\\' or '/': return c;
            case 'b': return '\b';
            case 'f': return '\f';
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'u' when _at + 4 <= _text.Length && ushort.TryParse(_text.AsSpan(_at, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var code):
                _at += 4;
                return (char)code;
            default: throw Error($"Unknown escape \\{c}");
        }
    }

    private static void Assign(Dictionary<string, HoconValue> members, List<string> path, HoconValue value)
    {
        if (path.Count > 1)
        {
            var inner = new Dictionary<string, HoconValue>();
            Assign(inner, path[1..], value);
            value = new HoconValue(inner);
        }
        members[path[0]] = members.TryGetValue(path[0], out var previous) ? Over(previous, value) : value;
    }

    /// <summary>A later value for the same key. With objects on both sides they merge, member by member, in document order.</summary>
    private static HoconValue Over(HoconValue previous, HoconValue value)
    {
        switch (value)
        {
            case Unresolved unresolved:
                unresolved.Previous = previous;
                return unresolved;
            case { Members: { } } when previous is Unresolved:
                return new Concatenation([previous, value]);
            case { Members: { } members } when previous.Members is { } below:
                foreach (var (key, inner) in members)
                    below[key] = below.TryGetValue(key, out var old) ? Over(old, inner) : inner;
                return previous;
            default:
                return value;
        }
    }

    private static void Append(Dictionary<string, HoconValue> members, List<string> path, HoconValue value) =>
        Assign(members, path, new Concatenation([new Substitution(string.Join('.', path.Select(p => $"\"{p}\"")), optional: true) { SelfOnly = true }, new HoconValue([value])]));

    private bool Include(Dictionary<string, HoconValue> members)
    {
        if (!StartsWith("include")) return false;
        var start = _at;
        _at += "include".Length;
        SkipBlanks();
        var required = StartsWith("required(");
        if (required) _at += "required(".Length;
        var inFile = StartsWith("file(");
        if (inFile) _at += "file(".Length;
        SkipBlanks();
        if (Peek() != '"')
        {
            _at = start;
            return false;
        }
        var name = Quoted();
        for (var closing = (required ? 1 : 0) + (inFile ? 1 : 0); closing > 0; closing--)
        {
            SkipBlanks();
            if (Peek() != ')') throw Error("Expected ) after the include");
            _at++;
        }
        HoconValue included;
        if (_include is not null) included = _include(name)?.Value;
        else if (File.Exists(name)) included = ParseUnresolved(File.ReadAllText(name), null, _includeDepth + 1);
        else if (required) throw Error($"Included file not found: {name}");
        else included = null;
        foreach (var (key, value) in included?.Members ?? [])
            members[key] = members.TryGetValue(key, out var previous) ? Over(previous, value) : value;
        return true;
    }
}
