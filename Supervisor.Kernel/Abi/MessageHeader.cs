namespace Supervisor.Kernel.Abi;

/// <summary><c>struct iovec</c>.</summary>
internal unsafe struct IoVector
{
    public byte* start;
    public nuint length;
}

/// <summary><c>struct msghdr</c>. sendmsg(2).</summary>
internal unsafe struct MessageHeader
{
    public void* name;
    public uint nameLength;
    public IoVector* parts;
    public nuint count;
    public void* control;
    public nuint controlLength;
    public int flags;
}
