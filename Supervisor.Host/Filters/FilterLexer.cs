using System.Text;

namespace Supervisor.Host.Filters;

/// <summary>Splits a filter into tokens. What a character means depends on what the parser expects, so there are two
/// methods.</summary>
internal ref struct FilterLexer(string text)
{
    private readonly string _text = text;
    private int _at;

    /// <summary>The next token where a field, an operator or a separator may stand.</summary>
    public FilterToken Next()
    {
        SkipSpace();
        if (_at == _text.Length) return Token(FilterTokenKind.End, "", _at);
        var c = _text[_at];
        return c switch
        {
            ',' or '.' => Separator(),
            '"' => Quoted('"'),
            '=' or '!' or '~' or '<' or '>' => Operator(),
            _ when IsFieldCharacter(c) => While(FilterTokenKind.Field, IsFieldCharacter),
            _ => throw Error(_at, _at + 1, $"unexpected input: {Printable(c)}"),
        };
    }

    /// <summary>The token after an operator.</summary>
    /// <param name="patternQuotes">Also take <c>|…|</c> and <c>/…/</c>, as after <c>~=</c>.</param>
    public FilterToken NextValue(bool patternQuotes)
    {
        SkipSpace();
        if (_at == _text.Length) throw Error(_at, _at, "expected value or quoted");
        var c = _text[_at];
        if (c == '"') return Quoted('"');
        if (c is '|' or '/') return patternQuotes ? Quoted(c) : throw Error(_at, _at + 1, "invalid quote encountered");
        if (!IsValueCharacter(c)) throw Error(_at, _at + 1, "expected value or quoted");
        return While(FilterTokenKind.Value, IsValueCharacter);
    }

    public readonly FilterSyntaxException Error(int start, int end, string reason) =>
        new(_text, start, Math.Min(end, _text.Length), reason);

    private FilterToken Separator()
    {
        var start = _at++;
        return Token(FilterTokenKind.Separator, _text[start].ToString(), start);
    }

    private FilterToken Operator()
    {
        var start = _at;
        while (_at < _text.Length && _text[_at] is '=' or '!' or '~' or '<' or '>') _at++;
        var text = _text[start.._at];
        return text is "==" or "!=" or "~="
            ? Token(FilterTokenKind.Operator, text, start)
            : throw Error(start, _at, $"unsupported operator \"{text}\"");
    }

    private FilterToken Quoted(char quote)
    {
        var start = _at++;
        var value = new StringBuilder();
        while (_at < _text.Length && _text[_at] != quote)
        {
            if (_text[_at] == '\\') Escape(value, quote);
            else value.Append(_text[_at++]);
        }
        if (_at == _text.Length) throw Error(start, _at, "unclosed quoted literal");
        _at++;
        return Token(FilterTokenKind.Quoted, value.ToString(), start);
    }

    /// <summary>The escapes of Go's string literals; in a pattern all others are left to the pattern.</summary>
    private void Escape(StringBuilder value, char quote)
    {
        var start = _at++;
        if (_at == _text.Length) throw Error(start, _at, "unclosed quoted literal");
        var c = _text[_at++];
        if (c == quote || c is '\\' && quote == '"') { value.Append(c); return; }
        if (quote != '"') { value.Append('\\').Append(c); return; }
        var plain = "abfnrtv".IndexOf(c, StringComparison.Ordinal);
        if (plain >= 0) { value.Append("\a\b\f\n\r\t\v"[plain]); return; }
        var (digits, numberBase) = c switch {
            'x' => (2, 16), 'u' => (4, 16), 'U' => (8, 16), >= '0' and <= '7' => (3, 8), _ => (0, 0) };
        if (c is >= '0' and <= '7') _at--;
        if (digits == 0 || _at + digits > _text.Length) throw Error(start, _at, "invalid escape");
        var number = 0L;
        for (var i = 0; i < digits; i++, _at++)
        {
            var digit = char.IsAsciiHexDigit(_text[_at]) ? Convert.ToInt32(_text[_at].ToString(), 16) : 16;
            if (digit >= numberBase) throw Error(start, _at + 1, "invalid escape");
            number = number * numberBase + digit;
        }
        if (!Rune.TryCreate((uint)number, out var rune)) throw Error(start, _at, "invalid escape");
        value.Append(rune.ToString());
    }

    private FilterToken While(FilterTokenKind kind, Func<char, bool> isPart)
    {
        var start = _at;
        while (_at < _text.Length && isPart(_text[_at])) _at++;
        return Token(kind, _text[start.._at], start);
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at])) _at++;
    }

    private readonly FilterToken Token(FilterTokenKind kind, string text, int start) => new(kind, text, start, _at);

    private static bool IsFieldCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private static bool IsValueCharacter(char c) => c != ',' && !char.IsWhiteSpace(c) && !char.IsControl(c);

    private static string Printable(char c) => char.IsControl(c) ? $"U+{(int)c:X4}" : c.ToString();
}
