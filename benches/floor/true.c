/* The smallest command. */

#include "sys.h"

static int run(int count, char **arguments, char **environment)
{
    (void)count, (void)arguments, (void)environment;
    return 0;
}
