// On macOS alone, for Homebrew's paths: CImages includes what it needs itself.
#include <stdio.h>
#include <jpeglib.h>
