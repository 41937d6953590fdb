/* A command that says when it was started, and that its end gives the lock back. */

#include "sys.h"
#include "out.h"

static int run(int count, char **arguments, char **environment)
{
    (void)count, (void)arguments, (void)environment;
    say("held", now());
    say("releases", now());
    return 0;
}
