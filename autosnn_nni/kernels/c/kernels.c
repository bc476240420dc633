/* All kernels for one processor, in both types: a file of its own, so that each is compiled with
   the options of its processor. */

#include "kernels.h"

#define REAL float
#include "vectors.h"
#include "spikes.c"
#include "convolution.c"
#include "weight_gradient.c"
#include "input_gradient.c"
#include "winograd.c"
#include "neurons.c"
#include "norm.c"
#include "scoring.c"
#undef REAL

#define REAL double
#include "vectors.h"
#include "spikes.c"
#include "convolution.c"
#include "weight_gradient.c"
#include "input_gradient.c"
#include "winograd.c"
#include "neurons.c"
#include "norm.c"
#include "scoring.c"
