/* System calls and a start without a libc: what a program can't do without. */

typedef long word;
typedef unsigned long uword;

#if defined(__x86_64__)

enum {
    READ = 0, WRITE = 1, CLOSE = 3, FSTAT = 5, CLONE = 56, EXECVE = 59, NANOSLEEP = 35, FLOCK = 73, FCHMOD = 91, GETEUID = 107,
    CLOCK_GETTIME = 228, EXIT_GROUP = 231, WAITID = 247, OPENAT = 257, NEWFSTATAT = 262, UNLINKAT = 263
};

static inline word call5(word number, word a, word b, word c, word d, word e)
{
    register word r10 __asm__("r10") = d;
    register word r8 __asm__("r8") = e;
    word result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\nand $-16, %rsp\ncall start\n");

#elif defined(__aarch64__)

enum {
    READ = 63, WRITE = 64, CLOSE = 57, NANOSLEEP = 101, FSTAT = 80, CLONE = 220, EXECVE = 221, FLOCK = 32, FCHMOD = 52, GETEUID = 175,
    CLOCK_GETTIME = 113, EXIT_GROUP = 94, WAITID = 95, OPENAT = 56, NEWFSTATAT = 79, UNLINKAT = 35
};

static inline word call5(word number, word a, word b, word c, word d, word e)
{
    register word x8 __asm__("x8") = number;
    register word x0 __asm__("x0") = a;
    register word x1 __asm__("x1") = b;
    register word x2 __asm__("x2") = c;
    register word x3 __asm__("x3") = d;
    register word x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}

__asm__(".globl _start\n_start: mov x0, sp\nbl start\n");

#elif defined(__arm__)

enum {
    READ = 3, WRITE = 4, CLOSE = 6, CLONE = 120, EXECVE = 11, NANOSLEEP = 162, FLOCK = 143, FCHMOD = 94, GETEUID = 201,
    CLOCK_GETTIME = 263, EXIT_GROUP = 248, WAITID = 280, OPENAT = 322, UNLINKAT = 328, STATX = 397
};

static inline word call5(word number, word a, word b, word c, word d, word e)
{
    register word r7 __asm__("r7") = number;
    register word r0 __asm__("r0") = a;
    register word r1 __asm__("r1") = b;
    register word r2 __asm__("r2") = c;
    register word r3 __asm__("r3") = d;
    register word r4 __asm__("r4") = e;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4) : "memory");
    return r0;
}

__asm__(".globl _start\n_start: mov r0, sp\nbl start\n");

#endif

static inline word call4(word number, word a, word b, word c, word d) { return call5(number, a, b, c, d, 0); }
static inline word call3(word number, word a, word b, word c) { return call5(number, a, b, c, 0, 0); }
static inline word call2(word number, word a, word b) { return call5(number, a, b, 0, 0, 0); }
static inline word call1(word number, word a) { return call5(number, a, 0, 0, 0, 0); }
static inline word call0(word number) { return call5(number, 0, 0, 0, 0, 0); }

_Noreturn static inline void end(int code)
{
    for (;;)
        call1(EXIT_GROUP, code);
}

/* The program: what a kernel leaves on the stack is the number of arguments, the arguments, a null, the environment. */
static int run(int count, char **arguments, char **environment);

_Noreturn __attribute__((used)) void start(uword *stack)
{
    int count = (int)*stack;
    char **arguments = (char **)(stack + 1);
    end(run(count, arguments, arguments + count + 1));
}
