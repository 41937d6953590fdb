/* Numbers in and out. */

static inline uword number(const char *text)
{
    uword value = 0;
    for (; *text; text++)
        value = value * 10 + (uword)(*text - '0');
    return value;
}

/* CLOCK_MONOTONIC in nanoseconds. */
static inline unsigned long long now(void)
{
    struct { word seconds, nanoseconds; } time;
    call2(CLOCK_GETTIME, 1, (word)&time);
    return (unsigned long long)time.seconds * 1000000000u + (unsigned long long)time.nanoseconds;
}

/* `NAME NUMBER` and a newline, in one write. By subtraction, since an ARMv6 has no division. */
static inline void say(const char *name, unsigned long long value)
{
    char line[64];
    int length = 0, has_begun = 0;
    while (*name)
        line[length++] = *name++;
    line[length++] = ' ';
    for (unsigned long long unit = 10000000000000000000u, next; unit; unit = next) {
        char digit = '0';
        for (; value >= unit; value -= unit)
            digit++;
        has_begun |= digit != '0' || unit == 1;
        if (has_begun)
            line[length++] = digit;
        next = 0;
        for (unsigned long long power = 1; power < unit; power *= 10)
            next = power;
    }
    line[length++] = '\n';
    call3(WRITE, 1, (word)line, length);
}
