/* A command that says when it was started, and that its end, so many milliseconds later, gives the lock back. */

#include "sys.h"
#include "out.h"

static int run(int count, char **arguments, char **environment)
{
    (void)environment;
    say("held", now());
    uword milliseconds = count > 1 ? number(arguments[1]) : 0;
    struct { word seconds, nanoseconds; } time = { 0, (word)milliseconds * 1000000 };
    if (milliseconds)
        call2(NANOSLEEP, (word)&time, 0);
    say("releases", now());
    return 0;
}
