using Supervisor.Kernel.Abi;
using Supervisor.Kernel.Launch;
using Supervisor.Kernel.Oci;

namespace Supervisor.Kernel.Containers;

/// <summary>Steps for the root filesystem as a whole: make it, hold it by a descriptor, make it the root.</summary>
internal static class RootfsSteps
{
    /// <summary>Cuts mount events off from the host, and mounts what makes up the root filesystem where only this namespace sees it.</summary>
    public static void Enter(LaunchProgram program, ContainerPlan plan)
    {
        // Slave even where the spec asks for more: pivot_root refuses a shared parent, and nothing made here may reach the host.
        program.Add(Syscall.mount, "/ (slave)", 0, program.Text("/"), 0, (long)(MountFlags.MS_REC | MountFlags.MS_SLAVE), 0);
        if (plan.RootMounts.Count > 0) program.Add(Syscall.chdir, plan.Bundle, program.Text(plan.Bundle)); // relative sources and layers are the bundle's
        foreach (var mount in plan.RootMounts)
        {
            var options = MountOptions.Parse(mount.Options);
            var flags = (MountFlags)options.ClassicFlags;
            var target = mount.Target is "" or "/" ? plan.Rootfs : Path.Join(plan.Rootfs, mount.Target);
            // By path and with mount(2): the bundle is ours alone, and overlay options are longer than fsconfig(2) takes.
            var (from, data) = OverlayOptions.Fit(options.DataOptions);
            if (from is not null) program.Add(Syscall.chdir, from, program.Text(from));
            program.Add(Syscall.mount, $"{mount.Type} on {target}", program.Text(mount.Source), program.Text(target), program.Text(mount.Type),
                (long)flags, program.Text(data));
            if (from is not null) program.Add(Syscall.chdir, plan.Bundle, program.Text(plan.Bundle));
            if (!flags.HasFlag(MountFlags.MS_BIND) || !options.ReadOnly) continue;
            program.Add(Syscall.mount, $"{target} (read-only)", 0, program.Text(target), 0,
                (long)(flags & ~MountFlags.MS_REC | MountFlags.MS_REMOUNT), 0); // a bind takes its flags only when it is mounted again
        }
        if (plan.RootMounts.Any(m => m.Target is "" or "/")) return;
        program.Add(Syscall.mount, plan.Rootfs, program.Text(plan.Rootfs), program.Text(plan.Rootfs), 0,
            (long)(MountFlags.MS_BIND | MountFlags.MS_REC), 0).Called($"bind the rootfs \"{plan.Rootfs}\"");
    }

    /// <summary>Opens the root filesystem once; every later path is resolved beneath this descriptor.</summary>
    public static void Open(LaunchProgram program, ContainerPlan plan, int slot) =>
        FdSlots.Keep(program, program.Add(Syscall.openat, plan.Rootfs, At.FDCWD, program.Text(plan.Rootfs),
            (OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC).ToKernel(), 0), slot);

    /// <summary>Makes it the root and lets go of the old one: pivot_root(2) onto itself, then the mount beneath is detached.</summary>
    public static void Pivot(LaunchProgram program, ContainerPlan plan, int slot)
    {
        var dot = program.Text(".");
        program.Add(Syscall.fchdir, "the new root", slot);
        program.Add(Syscall.pivot_root, plan.Rootfs, dot, dot);
        program.Add(Syscall.umount2, "the old root", dot, At.MNT_DETACH);
        program.Add(Syscall.chdir, "/", program.Text("/"));
        if (plan.Spec.Root?.Readonly == true)
            program.Add(Syscall.mount_setattr, "/ (read-only)", At.FDCWD, program.Text("/"), 0,
                program.Values<ulong>([(ulong)MountAttributes.MOUNT_ATTR_RDONLY, 0, 0, 0]), 32);
        var propagation = (MountFlags)MountOptions.Parse([plan.Spec.Linux?.RootfsPropagation ?? ""]).Propagation;
        if (propagation is not MountFlags.None)
            program.Add(Syscall.mount, $"/ ({plan.Spec.Linux!.RootfsPropagation})", 0, program.Text("/"), 0, (long)propagation, 0);
    }
}
