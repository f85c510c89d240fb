// What a process does before anything else, libraries' own beginnings included; nothing is to be called.
#ifndef CSTARTUP_H
#define CSTARTUP_H
#endif
