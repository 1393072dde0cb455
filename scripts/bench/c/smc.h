/* What smc.c and smc_simd.c share: the packed tables of simulator.samplers.smc.edge_tables. */

#ifndef SMC_H
#define SMC_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLACK 8 /* resampling writes a little past the end */
#define TO_UNIT 0x1p-53

/* MULTINOMIAL, SYSTEMATIC, MULTINOMIAL_SWEEP: -D, from simulator/resampling/codes.py */

typedef struct {
    int64_t n_particles, n_actions, horizon, scheme;
    double log_root;
    const int64_t *cell_start;
    const double *cells;
    const uint32_t *rows; /* the same memory */
    const double *log_scale;
    const int64_t *n_cells; /* of each stage */
} Problem;

static inline void spread(uint32_t *out, uint32_t value, int64_t begin, int64_t end)
{
    out[begin] = value; /* mostly at most four: no branch for them */
    out[begin + 1] = value;
    out[begin + 2] = value;
    out[begin + 3] = value;
    for (int64_t k = begin + 4; k < end; k++) out[k] = value;
}

#endif
