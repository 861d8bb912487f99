using Supervisor.Kernel.Abi;
using Supervisor.Runtime.Launch;
using Supervisor.Runtime.Oci;
using Supervisor.Runtime.Plans;

namespace Supervisor.Runtime.Rootfs;

/// <summary>Steps for the whole root filesystem: mount it, open it, make it the root.</summary>
internal static class RootfsSteps
{
    /// <summary>
    /// Stops mount propagation to the host, and mounts the root filesystem where only this namespace sees it.
    /// </summary>
    public static void Enter(LaunchProgram program, ContainerPlan plan)
    {
        if (!plan.Namespaces.OwnMounts) return;
        if (plan.Namespaces.Makes(CloneFlags.CLONE_NEWNS)) CutOff(program);
        if (!plan.MountsRootFirst) MountRoot(program, plan);
        BindRoot(program, plan);
    }

    /// <summary>
    /// Slave even where the spec has more: pivot_root refuses a shared parent, and no mount made here may reach the host.
    /// </summary>
    public static void CutOff(LaunchProgram program) =>
        program.Add(Syscall.mount, "/ (slave)", 0, program.Text("/"), 0, (long)(MountFlags.MS_REC | MountFlags.MS_SLAVE), 0);

    /// <summary>Mounts the root filesystem.</summary>
    public static void MountRoot(LaunchProgram program, ContainerPlan plan)
    {
        // sources and layers are relative to the bundle
        if (plan.RootMounts.Count > 0) program.Add(Syscall.chdir, plan.Bundle, program.Text(plan.Bundle));
        foreach (var mount in plan.RootMounts)
        {
            var options = MountOptions.Parse(mount.Options);
            var flags = (MountFlags)options.ClassicFlags;
            var target = mount.Target is "" or "/" ? plan.Rootfs : Path.Join(plan.Rootfs, mount.Target);
            // By path and with mount(2): we own the bundle, and overlay options can be longer than fsconfig(2) takes.
            var (from, data) = OverlayOptions.Fit(options.DataOptions);
            if (from is not null) program.Add(Syscall.chdir, from, program.Text(from));
            program.Add(Syscall.mount, $"{mount.Type} on {target}", program.Text(mount.Source), program.Text(target),
                program.Text(mount.Type),
                (long)flags, program.Text(data));
            if (from is not null) program.Add(Syscall.chdir, plan.Bundle, program.Text(plan.Bundle));
            if (!flags.HasFlag(MountFlags.MS_BIND) || !options.ReadOnly) continue;
            program.Add(Syscall.mount, $"{target} (read-only)", 0, program.Text(target), 0,
                // a bind takes flags only with a remount
                (long)(flags & ~MountFlags.MS_REC | MountFlags.MS_REMOUNT), 0);
        }
    }

    private static void BindRoot(LaunchProgram program, ContainerPlan plan)
    {
        if (!plan.MountsRootFirst && plan.RootMounts.Any(m => m.Target is "" or "/")) return;
        if (plan.RootPlace == "/") return; // of mounts that other processes use
        if (plan.Rootfs != plan.RootPlace) // "/" does not lead to a mount over it: make a copy of it elsewhere
        {
            program.Add(Syscall.open_tree, "/", At.FDCWD, program.Text("/"),
                At.OPEN_TREE_CLONE | At.OPEN_TREE_CLOEXEC | At.RECURSIVE).IntoNext(0);
            program.Add(Syscall.move_mount, plan.RootPlace, 0, program.Text(""), At.FDCWD, program.Text(plan.RootPlace),
                At.MOVE_MOUNT_F_EMPTY_PATH);
            return;
        }
        program.Add(Syscall.mount, plan.Rootfs, program.Text(plan.Rootfs), program.Text(plan.Rootfs), 0,
            (long)(MountFlags.MS_BIND | MountFlags.MS_REC), 0).Called($"bind the rootfs \"{plan.Rootfs}\"");
    }

    /// <summary>Opens the root filesystem once; every later path is resolved beneath this descriptor.</summary>
    public static void Open(LaunchProgram program, ContainerPlan plan, int slot) =>
        FdSlots.Keep(program, program.Add(Syscall.openat, plan.RootPlace, At.FDCWD, program.Text(plan.RootPlace),
            (OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC).ToKernel(), 0), slot);

    /// <summary>Changes the root to it.</summary>
    public static void Change(LaunchProgram program, ContainerPlan plan, int slot)
    {
        var dot = program.Text(".");
        program.Add(Syscall.fchdir, "the new root", slot);
        if (!plan.Namespaces.Makes(CloneFlags.CLONE_NEWNS))
        {
            // Other processes use these mounts: their root is not changed.
            if (plan.RootPlace != "/") Change(program, plan, slot, At.EMPTY_PATH, program.Text(""), dot);
            program.Add(Syscall.chroot, plan.Rootfs, dot);
            program.Add(Syscall.chdir, "/", program.Text("/"));
            return;
        }
        if (plan.NoPivot)
        {
            OldMounts.Remove(program, plan.RootPlace);
            program.Add(Syscall.mount, $"{plan.Rootfs} over /", dot, program.Text("/"), 0, (long)MountFlags.MS_MOVE, 0);
            program.Add(Syscall.chroot, plan.Rootfs, dot);
        }
        else
        {
            program.Add(Syscall.pivot_root, plan.Rootfs, dot, dot); // onto itself; then the mount beneath is detached
            program.Add(Syscall.umount2, "the old root", dot, At.MNT_DETACH);
        }
        program.Add(Syscall.chdir, "/", program.Text("/"));
        var root = program.Text("/");
        Change(program, plan, At.FDCWD, 0, root, root);
    }

    /// <summary>Applies the spec's read-only flag and propagation to the root.</summary>
    private static void Change(LaunchProgram program, ContainerPlan plan, long at, long flags, DataRef path, DataRef place)
    {
        if (plan.Spec.Root?.Readonly == true)
            program.Add(Syscall.mount_setattr, "/ (read-only)", at, path, flags,
                program.Values<ulong>([(ulong)MountAttributes.MOUNT_ATTR_RDONLY, 0, 0, 0]), 32);
        var propagation = (MountFlags)MountOptions.Parse([plan.Spec.Linux?.RootfsPropagation ?? ""]).Propagation;
        if (propagation is not MountFlags.None)
            program.Add(Syscall.mount, $"/ ({plan.Spec.Linux!.RootfsPropagation})", 0, place, 0, (long)propagation, 0);
    }
}
