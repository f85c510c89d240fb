// Only what the data set loaders need: streaming inflate of .gz files.
#include <zlib.h>
