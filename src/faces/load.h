/* The configuration as a face takes it: what is wrong is printed. */
#ifndef FACES_LOAD_H
#define FACES_LOAD_H

#include "conf/conf.h"

/* OPTION: -c, may be NULL. NULL: it is bad, as standard error says now. */
struct conf *load_conf(const char *option);

#endif
