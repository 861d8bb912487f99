using System.Buffers.Binary;
using System.Runtime.ExceptionServices;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Networking;
using Supervisor.Runtime.Oci;
using static Tmds.Linux.LibC;

namespace Supervisor.Runtime.Namespaces;

/// <summary>
/// Moves our network devices into a container's network namespace (linux.netDevices) and brings them up, with their permanent
/// addresses of global scope, which the kernel removes on the move, and under the new name if there is one. When the namespace is
/// destroyed, the kernel moves a physical device back and deletes others. rtnetlink(7); runtime-spec 1.3, config-linux.md.
/// </summary>
internal static unsafe class NetDevices
{
    private const ushort RTM_NEWLINK = 16, RTM_NEWADDR = 20, RTM_GETADDR = 22;
    private const ushort IFLA_IFNAME = 3, IFLA_NET_NS_FD = 28, IFA_LABEL = 3, IFA_CACHEINFO = 6, IFA_FLAGS = 8;
    private const int AddressSize = 8, LinkSize = 16, ScopeGlobal = 0, IFA_F_PERMANENT = 0x80, IFF_UP = 1;

    /// <param name="pid">A process that is in the container's network namespace and stays there during the call.</param>
    /// <exception cref="InvalidSpecException">A device does not exist, or its name is taken in the namespace.</exception>
    public static void Move(IReadOnlyDictionary<string, NetDeviceSpec> devices, int pid)
    {
        if (devices.Count == 0) return;
        using var target = Fd.Open($"/proc/{pid}/ns/net", OpenFlags.O_RDONLY);
        Check(devices, target);
        var moved = new List<(string Name, IReadOnlyList<byte[]> Addresses)>();
        using (var ours = new Netlink())
            foreach (var (name, device) in devices.OrderBy(d => d.Key, StringComparer.Ordinal))
                moved.Add(Move(ours, name, NameOf(name, device), target));
        Inside(target, () =>
        {
            using var theirs = new Netlink();
            foreach (var (name, addresses) in moved) Configure(theirs, name, addresses);
        });
    }

    /// <summary>Checks all of them before any is moved, because the kernel moves first and then renames.</summary>
    private static void Check(IReadOnlyDictionary<string, NetDeviceSpec> devices, Fd target)
    {
        foreach (var name in devices.Keys)
            if (IndexOf(name) == 0)
                throw new InvalidSpecException(
                InvalidSpecException.Key("linux.netDevices", name), $"there is no network device \"{name}\" on the host");
        Inside(target, () =>
        {
            foreach (var (name, device) in devices)
                if (IndexOf(NameOf(name, device)) != 0)
                    throw new InvalidSpecException(
                        InvalidSpecException.Key("linux.netDevices", name),
                        $"the container's network namespace has a device \"{NameOf(name, device)}\" already");
        });
    }

    private static string NameOf(string name, NetDeviceSpec device) => device.Name is { Length: > 0 } other ? other : name;

    private static (string, IReadOnlyList<byte[]>) Move(Netlink netlink, string name, string newName, Fd target)
    {
        var field = InvalidSpecException.Key("linux.netDevices", name);
        var index = IndexOf(name);
        var addresses = netlink.Dump(RTM_GETADDR, new byte[AddressSize]).Where(a => IsKept(a, index)).ToList();
        Span<byte> fd = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(fd, target.Number);
        var errno = netlink.Do(
            RTM_NEWLINK, 0, [.. Link(index, 0), .. Netlink.Attribute(IFLA_NET_NS_FD, fd),
            .. Netlink.Attribute(IFLA_IFNAME, CString.Of(newName))]);
        return errno switch
        {
            Errno.None => (newName, addresses),
            Errno.EINVAL => throw new InvalidSpecException(field, $"\"{name}\" is of a kind that cannot be moved"),
            _ => throw new SyscallException("RTM_NEWLINK", errno, $"move {name} into the container's network namespace"),
        };
    }

    private static void Configure(Netlink netlink, string name, IReadOnlyList<byte[]> addresses)
    {
        var index = IndexOf(name);
        foreach (var address in addresses)
        {
            BinaryPrimitives.WriteInt32LittleEndian(address.AsSpan(4), index);
            // A label begins with the device's old name; the kernel sets the other two itself.
            byte[] message = [.. address[..AddressSize], .. Netlink.Attributes(address.AsSpan(AddressSize))
                .Where(a => a.Type is not (IFA_LABEL or IFA_CACHEINFO or IFA_FLAGS))
                    .SelectMany(a => Netlink.Attribute(a.Type, a.Value))];
            Done(netlink.Do(RTM_NEWADDR, Netlink.NLM_F_CREATE | Netlink.NLM_F_EXCL, message), "RTM_NEWADDR",
                $"restore the addresses of {name}");
        }
        Done(netlink.Do(RTM_NEWLINK, 0, Link(index, IFF_UP)), "RTM_NEWLINK", $"bring {name} up");
    }

    private static void Done(Errno errno, string call, string what)
    {
        if (errno is not Errno.None) throw new SyscallException(call, errno, what);
    }

    /// <summary>struct ifaddrmsg: family, prefix, flags, scope, index; IFA_FLAGS has all flags.</summary>
    private static bool IsKept(byte[] address, int index)
    {
        if (BinaryPrimitives.ReadInt32LittleEndian(address.AsSpan(4)) != index || address[3] != ScopeGlobal) return false;
        var flags = Netlink.Attributes(address.AsSpan(AddressSize))
            .FirstOrDefault(a => a.Type == IFA_FLAGS).Value is { Length: >= 4 } all
            ? BinaryPrimitives.ReadInt32LittleEndian(all) : address[2];
        return (flags & IFA_F_PERMANENT) != 0;
    }

    /// <summary>struct ifinfomsg: family, type, index, flags, which of the flags to change.</summary>
    private static byte[] Link(int index, int up)
    {
        var bytes = new byte[LinkSize];
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), index);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), up);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), up);
        return bytes;
    }

    private static int IndexOf(string name)
    {
        fixed (byte* text = CString.Of(name)) return (int)Native.if_nametoindex(text);
    }

    /// <summary>Runs it on a new thread that enters that network namespace.</summary>
    private static void Inside(Fd target, Action work)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                if ((int)syscall(Syscall.setns, target.Number, (int)CloneFlags.CLONE_NEWNET) != 0)
                    throw new SyscallException("setns", Errno.Last, "the container's network namespace");
                work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        }) { IsBackground = true, Name = "network devices" };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }
}
