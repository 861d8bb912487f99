using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Supervisor.Kernel;
using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Files;
using Supervisor.Kernel.Sockets;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;

namespace Supervisor.Runtime.Seccomp;

/// <summary>The receiver of SCMP_ACT_NOTIFY's descriptor.</summary>
/// <param name="Socket">Its number in the stub; connected to the profile's listenerPath before the clone.</param>
/// <param name="State">ContainerProcessState, JSON.</param>
internal sealed record SeccompListener(int Socket, byte[] State)
{
    /// <summary>Connects to the listener.</summary>
    /// <exception cref="InvalidSpecException">Nothing listens at the path.</exception>
    public static Fd Connect(string path)
    {
        try
        {
            return StreamSocket.Connect(path).Fd;
        }
        catch (SyscallException e)
        {
            throw new InvalidSpecException("linux.seccomp.listenerPath", $"cannot connect to \"{path}\": {e.Errno}");
        }
    }

    /// <summary>runtime-spec, config-linux.md, "The Container Process State".</summary>
    public static byte[] StateOf(SeccompSpec profile, ContainerState container)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        writer.WriteString("ociVersion", "0.2.0"); // the version of this state, as in the specification and crun
        writer.WriteStartArray("fds");
        writer.WriteStringValue("seccompFd");
        writer.WriteEndArray();
        writer.WriteNumber("pid", container.Pid);
        if (!string.IsNullOrEmpty(profile.ListenerMetadata)) writer.WriteString("metadata", profile.ListenerMetadata);
        writer.WritePropertyName("state");
        container.WriteTo(writer);
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>Steps that install a filter. seccomp(2).</summary>
internal static class SeccompSteps
{
    private const int SECCOMP_SET_MODE_FILTER = 1, SOL_SOCKET = 1, SCM_RIGHTS = 1, MSG_NOSIGNAL = 0x4000;

    public static void Add(LaunchProgram program, SeccompFilter filter, SeccompListener? listener)
    {
        var instructions = program.Values<byte>(filter.Instructions);
        var header = program.Values<long>([filter.Instructions.Length / 8, 0]); // struct sock_fprog: 16 bits, padding, pointer
        program.PutPointer(new DataRef(header.Offset + 8), instructions);
        var install = program.Add(Syscall.seccomp, "linux.seccomp", SECCOMP_SET_MODE_FILTER, filter.Flags, header);
        if (!filter.Listens || listener is null) return;

        var control = program.Value(new ControlMessage { length = 20, level = SOL_SOCKET, type = SCM_RIGHTS });
        install.Into(new DataRef(control.Offset + 16));
        var part = program.Values<long>([0, listener.State.Length]);
        program.PutPointer(part, program.Values<byte>(listener.State));
        var message = program.Values<long>([0, 0, 0, 1, 0, 24, 0]);
        program.PutPointer(new DataRef(message.Offset + 16), part);
        program.PutPointer(new DataRef(message.Offset + 32), control);
        program.Add(Syscall.sendmsg, "linux.seccomp.listenerPath", listener.Socket, message, MSG_NOSIGNAL)
            .AtLeast(listener.State.Length);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ControlMessage
    {
        public long length;
        public int level, type;
        public long fd;
    }
}
