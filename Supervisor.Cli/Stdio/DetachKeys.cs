using System.Buffers;
using Supervisor.Cli.Errors;

namespace Supervisor.Cli.Stdio;

/// <summary>
/// Keys that detach a client from a terminal while its program keeps running, as in docker. Input that may be their start is
/// held back until another key shows that it is not: then it is forwarded as typed.
/// </summary>
internal sealed class DetachKeys
{
    /// <summary>docker's default.</summary>
    public const string Usual = "ctrl-p,ctrl-q";

    private readonly byte[] _keys;
    private readonly TaskCompletionSource _typed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _seen;

    private DetachKeys(byte[] keys) => _keys = keys;

    /// <summary>Completes when they have been typed.</summary>
    public Task Typed => _typed.Task;

    /// <summary>Reads keys with commas between them: a letter, or <c>ctrl-</c> and one of a to z, @, [, \, ], ^ or _.</summary>
    /// <exception cref="CliException">A key is invalid.</exception>
    public static DetachKeys Parse(string text) => new([.. text.Split(',').Select(key => key switch
    {
        [var plain and > ' ' and < (char)127] => (byte)plain,
        ['c' or 'C', 't' or 'T', 'r' or 'R', 'l' or 'L', '-', var control] when char.ToUpperInvariant(control) is >= '@'
            and <= '_' and var upper => (byte)(upper - '@'),
        _ => throw new CliException(
            $"--detach-keys: \"{key}\" is not a key: a letter, or ctrl- and one of a to z, @, [, \\, ], ^ or _, with commas "
            + $"between them ({Usual})"),
    })]);

    /// <summary>The part of these keys to forward.</summary>
    public ReadOnlySpan<byte> Filter(ReadOnlySpan<byte> typed)
    {
        if (_seen == 0 && typed.IndexOf(_keys[0]) < 0) return typed;
        var passed = new ArrayBufferWriter<byte>(typed.Length + _keys.Length);
        foreach (var key in typed)
        {
            // The longest suffix of the input that may still become the key sequence; what is before it is forwarded.
            while (_seen > 0 && key != _keys[_seen]) Release(passed);
            if (key != _keys[_seen]) passed.Write([key]);
            else if (++_seen == _keys.Length)
            {
                _typed.TrySetResult();
                break;
            }
        }
        return passed.WrittenSpan;
    }

    /// <summary>Forwards the first key held back, and those after it that cannot start the sequence.</summary>
    private void Release(ArrayBufferWriter<byte> passed)
    {
        for (var kept = _seen - 1; ; kept--)
        {
            if (kept > 0 && !_keys.AsSpan(0, kept).SequenceEqual(_keys.AsSpan(_seen - kept, kept))) continue;
            passed.Write(_keys.AsSpan(0, _seen - kept));
            _seen = kept;
            return;
        }
    }
}
