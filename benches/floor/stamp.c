/* Says what time it is, after the word that it is given: a command that shows when it has been started. */

#include "sys.h"
#include "out.h"

static int run(int count, char **arguments, char **environment)
{
    (void)environment;
    say(count > 1 ? arguments[1] : "held", now());
    return 0;
}
