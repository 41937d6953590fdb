/* What a program without a libc starts and ends with: it is to have a function `play`, which returns its exit code. */

#ifndef START_H
#define START_H

/* Ends the process: exit_group(2). */
static _Noreturn void quit(int code)
{
#if defined __x86_64__
    __asm__ volatile("syscall" : : "a"(231), "D"(code));
#elif defined __i386__
    __asm__ volatile("int $0x80" : : "a"(252), "b"(code));
#elif defined __aarch64__
    register long number __asm__("x8") = 94;
    register long argument __asm__("x0") = code;
    __asm__ volatile("svc 0" : : "r"(number), "r"(argument));
#elif defined __arm__
    register long number __asm__("r7") = 248;
    register long argument __asm__("r0") = code;
    __asm__ volatile("svc 0" : : "r"(number), "r"(argument));
#elif defined __riscv
    register long number __asm__("a7") = 94;
    register long argument __asm__("a0") = code;
    __asm__ volatile("ecall" : : "r"(number), "r"(argument));
#endif
    __builtin_unreachable();
}

static inline __attribute__((always_inline)) int play(void);

#if defined __x86_64__ || defined __i386__
/* The kernel's stack is aligned as no function expects it. */
__attribute__((force_align_arg_pointer))
#endif
_Noreturn void _start(void)
{
#if defined __riscv
    /* What linker relaxation addresses data by. */
    __asm__ volatile(".option push\n.option norelax\nlla gp, __global_pointer$\n.option pop");
#endif
    quit(play());
}

#endif
