# The launch routine for x86-64: what a child runs between clone3 and execve. It touches no stack after the clone.
# Assembled by: as -o x64.o x64.S && objcopy -O binary -j .text x64.o; LaunchRoutineBytes.cs holds the result.
#
# context (LaunchContext): 0 clone_args*  8 size  16 records*  24 all signals  32 old signals  40 error fd
#                          48 failed record's offset  56 its result
# record (LaunchRecord, 72 bytes): 0 u32 number  4 u32 flags  8 six arguments  56 i64* store  64 i32 least good result
#                          68 u16 tolerated errno  70 u16 skip in bytes
# flags: 1 any error continues with the next record  2 a result > 0 skips  4 success skips
#        8 the result is a signal's number: what an init does with it, and the record again; argument 5 points to its child's pid
        .intel_syntax noprefix
        .text
launch: endbr64                         # long launch(context*): the parent's entry; returns the pid or -errno
        push    rbx
        push    rbp
        push    r12
        mov     rbx, rdi
        mov     eax, 14                 # rt_sigprocmask(SIG_SETMASK, all, &old, 8): no handler of the parent may run in the child
        mov     edi, 2
        lea     rsi, [rbx+24]
        lea     rdx, [rbx+32]
        mov     r10d, 8
        syscall
        mov     eax, 435                # clone3(args, size)
        mov     rdi, [rbx]
        mov     rsi, [rbx+8]
        syscall
        test    rax, rax
        jz      child
        mov     rbp, rax
        mov     eax, 14                 # the parent: restore the mask
        mov     edi, 2
        lea     rsi, [rbx+32]
        xor     edx, edx
        mov     r10d, 8
        syscall
        mov     rax, rbp
        pop     r12
        pop     rbp
        pop     rbx
        ret
stub:   lea     rbx, [rip+launch+4096]  # the entry of the init stub: its context is in the page after this one
child:  mov     r12, [rbx+16]
loop:   mov     eax, [r12]
        mov     rdi, [r12+8]
        mov     rsi, [r12+16]
        mov     rdx, [r12+24]
        mov     r10, [r12+32]
        mov     r8,  [r12+40]
        mov     r9,  [r12+48]
        syscall
        mov     rcx, [r12+56]
        test    rcx, rcx
        jz      1f
        mov     [rcx], rax
1:      mov     edx, [r12+4]
        movsxd  rcx, dword ptr [r12+64]
        cmp     rax, rcx
        jl      bad
        test    dl, 8
        jnz     init
        test    dl, 4
        jnz     skip
        test    dl, 2
        jz      next
        test    rax, rax
        jg      skip
next:   add     r12, 72
        jmp     loop
skip:   movzx   ecx, word ptr [r12+70]
        add     r12, rcx
        jmp     loop
bad:    movzx   ecx, word ptr [r12+68]
        add     rcx, rax
        jz      skip
        test    dl, 1
        jnz     next
        sub     r12, [rbx+16]
        mov     [rbx+48], r12
        mov     [rbx+56], rax
        mov     eax, 1                  # write(error fd, {offset, result}, 16)
        mov     edi, [rbx+40]
        lea     rsi, [rbx+48]
        mov     edx, 16
        syscall
2:      mov     eax, 231                # exit_group(127)
        mov     edi, 127
        syscall
        jmp     2b
init:   mov     rcx, [r12+40]
        cmp     eax, 17                 # SIGCHLD
        je      reap
        mov     edi, [rcx]              # kill(child, signal): not reaped yet, so its pid is not reused
        mov     esi, eax
        mov     eax, 62
        syscall
        jmp     loop
reap:   mov     eax, 61                 # wait4(-1, &status, WNOHANG, 0)
        mov     rdi, -1
        lea     rsi, [rbx+56]
        mov     edx, 1
        xor     r10d, r10d
        syscall
        test    eax, eax
        jz      loop
        js      2b
        mov     rcx, [r12+40]
        cmp     eax, [rcx]
        jne     reap
        mov     edi, [rbx+56]           # we exit as the child did: its status, or 128 + its signal
        mov     eax, edi
        and     eax, 127
        jnz     3f
        shr     edi, 8
        jmp     4f
3:      lea     edi, [rax+128]
4:      mov     eax, 231
        syscall
early:  lea     edi, [rdi+128]          # handler of a signal to a process that waits for its start: exit_group(128 + signal)
        mov     eax, 231
        syscall
