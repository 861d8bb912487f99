using System.Buffers.Binary;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Resources;

/// <summary>
/// Device rules as a BPF program of type CGROUP_DEVICE, for cgroup v2, which has no controller for them. The kernel runs it with
/// the type, the numbers and the wanted access. It walks the rules from the last to the first and clears the access bits that
/// they allow, until a rule denies a remaining one, or none remains.
/// </summary>
/// <remarks>
/// struct bpf_cgroup_dev_ctx of linux/bpf.h: access_type (type in the low half, access in the high), major, minor. Linux 4.15.
/// </remarks>
internal static class DeviceProgram
{
    private const byte LoadWord = 0x61, And = 0x54, ShiftRight = 0x74, Move = 0xb4, MoveRegister = 0xbf, JumpIfNot = 0x55,
        JumpIf = 0x15, Exit = 0x95;
    private const int Result = 0, Context = 1, Type = 2, Wanted = 3, Major = 4, Minor = 5;
    private const int Block = 1, Character = 2;

    /// <summary>The instructions, eight bytes each. An access without a rule is denied.</summary>
    public static byte[] Assemble(IEnumerable<DeviceRuleSpec> rules)
    {
        var code = new List<ulong>
        {
            Instruction(LoadWord, Type, Context, 0, 0), Instruction(MoveRegister, Wanted, Type, 0, 0),
            Instruction(And, Type, 0, 0, 0xffff),
            Instruction(ShiftRight, Wanted, 0, 0, 16), Instruction(LoadWord, Major, Context, 4, 0),
            Instruction(LoadWord, Minor, Context, 8, 0),
        };
        foreach (var rule in rules.Reverse()) Add(code, rule);
        code.AddRange([Instruction(Move, Result, 0, 0, 0), Instruction(Exit, 0, 0, 0, 0)]);
        var bytes = new byte[code.Count * 8];
        for (var i = 0; i < code.Count; i++) BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(i * 8), code[i]);
        return bytes;
    }

    private static void Add(List<ulong> code, DeviceRuleSpec rule)
    {
        var body = new List<ulong>();
        var access = AccessOf(rule.Access);
        if (rule.Allow)
            body.AddRange([Instruction(And, Wanted, 0, 0, ~access), Instruction(JumpIfNot, Wanted, 0, 2, 0),
                Instruction(Move, Result, 0, 0, 1)]);
        else
            body.AddRange(
            [
                Instruction(MoveRegister, Context, Wanted, 0, 0), Instruction(And, Context, 0, 0, access),
                Instruction(JumpIf, Context, 0, 2, 0),
                Instruction(Move, Result, 0, 0, 0),
            ]);
        body.Add(Instruction(Exit, 0, 0, 0, 0));

        var conditions = new List<(int Register, int Value)>();
        if (rule.Type is "b" or "c") conditions.Add((Type, rule.Type is "b" ? Block : Character));
        if (rule.Major is >= 0) conditions.Add((Major, (int)rule.Major));
        if (rule.Minor is >= 0) conditions.Add((Minor, (int)rule.Minor));
        for (var i = 0; i < conditions.Count; i++)
            code.Add(Instruction(
                JumpIfNot, conditions[i].Register, 0, (short)(conditions.Count - i - 1 + body.Count), conditions[i].Value));
        code.AddRange(body);
    }

    /// <summary>BPF_DEVCG_ACC_MKNOD 1, _READ 2, _WRITE 4.</summary>
    private static int AccessOf(string? letters) =>
        string.IsNullOrEmpty(letters)
            ? 7 : (letters.Contains('m') ? 1 : 0) | (letters.Contains('r') ? 2 : 0) | (letters.Contains('w') ? 4 : 0);

    private static ulong Instruction(byte code, int destination, int source, short offset, int value) =>
        code | (ulong)(byte)(destination | source << 4) << 8 | (ulong)(ushort)offset << 16 | (ulong)(uint)value << 32;
}
