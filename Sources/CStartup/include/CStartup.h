// Work done before anything else in the process, the libraries' own initialisation included; there is nothing to call.
#ifndef CSTARTUP_H
#define CSTARTUP_H
#endif
