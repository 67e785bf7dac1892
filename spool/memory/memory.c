#include "spool/engine.h"
const struct engine_ops memory_engine = {.version = NULL};
