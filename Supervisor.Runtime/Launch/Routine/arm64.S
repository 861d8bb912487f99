// The launch routine for arm64; see x64.S for the layouts and the flags.
// Assembled by: aarch64-linux-gnu-as -o arm64.o arm64.S && objcopy -O binary -j .text; LaunchRoutineBytes.cs holds the result.
        .arch   armv8.5-a
        .text
launch: bti     c                       // long launch(context*)
        stp     x19, x20, [sp, -16]!
        mov     x19, x0
        mov     x8, 135                 // rt_sigprocmask
        mov     x0, 2
        add     x1, x19, 24
        add     x2, x19, 32
        mov     x3, 8
        svc     0
        mov     x8, 435                 // clone3
        ldp     x0, x1, [x19]
        svc     0
        cbz     x0, child
        mov     x20, x0
        mov     x8, 135
        mov     x0, 2
        add     x1, x19, 32
        mov     x2, 0
        mov     x3, 8
        svc     0
        mov     x0, x20
        ldp     x19, x20, [sp], 16
        ret
stub:   adr     x19, launch+4096        // the init stub's context is in the page after this one
child:  ldr     x20, [x19, 16]
loop:   ldr     w8, [x20]
        ldp     x0, x1, [x20, 8]
        ldp     x2, x3, [x20, 24]
        ldp     x4, x5, [x20, 40]
        svc     0
        ldr     x9, [x20, 56]
        cbz     x9, 1f
        str     x0, [x9]
1:      ldr     w10, [x20, 4]
        ldrsw   x9, [x20, 64]
        cmp     x0, x9
        b.lt    bad
        tbnz    w10, 3, init
        tbnz    w10, 2, skip
        tbz     w10, 1, next
        cmp     x0, 0
        b.gt    skip
next:   add     x20, x20, 72
        b       loop
skip:   ldrh    w9, [x20, 70]
        add     x20, x20, x9
        b       loop
bad:    ldrh    w9, [x20, 68]
        adds    x9, x9, x0
        b.eq    skip
        tbnz    w10, 0, next
        ldr     x9, [x19, 16]
        sub     x9, x20, x9
        stp     x9, x0, [x19, 48]
        mov     x8, 64                  // write
        ldr     w0, [x19, 40]
        add     x1, x19, 48
        mov     x2, 16
        svc     0
2:      mov     x8, 94                  // exit_group
        mov     x0, 127
        svc     0
        b       2b
init:   ldr     x9, [x20, 40]
        cmp     w0, 17                  // SIGCHLD
        b.eq    reap
        mov     w1, w0
        ldr     w0, [x9]
        mov     x8, 129                 // kill
        svc     0
        b       loop
reap:   mov     x8, 260                 // wait4
        mov     x0, -1
        add     x1, x19, 56
        mov     x2, 1
        mov     x3, 0
        svc     0
        cbz     w0, loop
        tbnz    w0, 31, 2b
        ldr     x9, [x20, 40]
        ldr     w9, [x9]
        cmp     w0, w9
        b.ne    reap
        ldr     w9, [x19, 56]
        lsr     w0, w9, 8
        ands    w9, w9, 127
        b.eq    3f
        add     w0, w9, 128
3:      mov     x8, 94
        svc     0
early:  add     w0, w0, 128             // handler of a signal to a process that waits for its start: exit_group(128 + signal)
        mov     x8, 94
        svc     0
