// Streaming inflate of data sets' .gz files, and deflate to count what gzip makes of a model file.
#include <zlib.h>
