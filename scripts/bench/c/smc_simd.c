/* SMC as in smc.c, with a run a lane: AVX2 has four lanes, AVX-512 eight.

   Each run has its own generator and adds up in the order of smc.c, so its output is that of the
   kernels bit for bit. No ancestors are kept: resampling hands on the rows of their states.
   Multinomial resampling by a sweep, for very many particles, is not here.
   Build with: gcc -std=c11 -O3 -march=x86-64-v3 (AVX2) or -march=x86-64-v4 (AVX-512). */

#include "smc.h"

#include <immintrin.h>

#ifdef __AVX512F__
#define LANES 8
#else
#define LANES 4
#endif

#define INLINE static inline __attribute__((always_inline))

typedef uint64_t Words __attribute__((vector_size(8 * LANES)));
typedef double Reals __attribute__((vector_size(8 * LANES)));

typedef struct {
    int64_t n;       /* particles */
    Words s[4];      /* generators */
    Reals *w;        /* weights of the particles, or their running sums */
    Words *children; /* rows of the particles */
    Words *parents;  /* rows of those that were chosen, or marks: see systematic */
    Words *guide;    /* of multinomial */
} Cloud;

#ifdef __AVX512F__
/* Which words of two vectors make a new one. */
#define EVEN 0, 8, 2, 10, 4, 12, 6, 14
#define ODD 1, 9, 3, 11, 5, 13, 7, 15
#define FRONT 0, 1, 8, 9, 4, 5, 12, 13
#define BACK 2, 3, 10, 11, 6, 7, 14, 15
INLINE Reals to_whole(Words word) { return (Reals)_mm512_cvtepu64_pd((__m512i)(word >> 11)); }
INLINE Reals floor_of(Reals x) { return (Reals)_mm512_floor_pd((__m512d)x); }
INLINE Reals ceiling(Reals x) { return (Reals)_mm512_ceil_pd((__m512d)x); }
INLINE Reals least(Reals a, Reals b) { return (Reals)_mm512_min_pd((__m512d)a, (__m512d)b); }
/* One vector of the cells of lanes l and l + 4. */
INLINE Reals cells_at(const double *const *at, int l)
{
    __m512d low = _mm512_castpd256_pd512(_mm256_loadu_pd(at[l]));
    return (Reals)_mm512_insertf64x4(low, _mm256_loadu_pd(at[l + 4]), 1);
}
#else
#define EVEN 0, 4, 2, 6
#define ODD 1, 5, 3, 7
#define FRONT 0, 1, 4, 5
#define BACK 2, 3, 6, 7
/* The upper 53 bits as a float: 21 of them go into one of exponent 84, 32 into one of 52. */
INLINE Reals to_whole(Words word)
{
    const Reals far = (Reals){0} + 0x1p84, near = (Reals){0} + 0x1p52;
    Reals high = (Reals)((word >> 43) | (Words)far);
    __m256i low = _mm256_blend_epi32((__m256i)(word >> 11), (__m256i)near, 0xAA);
    return (high - (far + near)) + (Reals)low;
}
INLINE Reals floor_of(Reals x) { return (Reals)_mm256_floor_pd((__m256d)x); }
INLINE Reals ceiling(Reals x) { return (Reals)_mm256_ceil_pd((__m256d)x); }
INLINE Reals least(Reals a, Reals b) { return (Reals)_mm256_min_pd((__m256d)a, (__m256d)b); }
INLINE Reals cells_at(const double *const *at, int l) { return (Reals)_mm256_loadu_pd(at[l]); }
#endif

INLINE Words next_words(Words s[4])
{
    Words sum = s[0] + s[3], word = ((sum << 23) | (sum >> 41)) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return word;
}

INLINE Words choose(Words mask, Words a, Words b) { return (a & mask) | (b & ~mask); }

/* zero_bits(k) + 2^k times a whole number below 2^40: the bits of a float whose last place is
   worth 2^-k. */
#define ZERO(k) (0x1p52 / (1 << (k)))
INLINE Words bits(Reals whole, int k) { return (Words)(whole + ZERO(k)); }
INLINE uint64_t zero_bits(int k)
{
    const double zero = ZERO(k);
    uint64_t word;
    memcpy(&word, &zero, sizeof word);
    return word;
}

/* Addresses, or floats, of the lanes; memory is the shortest way from vectors to them. */
typedef union {
    Words words;
    const double *cell[LANES];
    uint64_t *place[LANES];
    double real[LANES];
} PerLane;

INLINE void split(PerLane *out, Words words)
{
#ifdef __AVX512F__ /* a load waits long for a store of 64 bytes, not for two of 32 */
    __m256i *half = (__m256i *)out;
    _mm256_store_si256(half, _mm512_castsi512_si256((__m512i)words));
    _mm256_store_si256(half + 1, _mm512_extracti64x4_epi64((__m512i)words, 1));
#else
    out->words = words;
#endif
    __asm__("" : "+m"(*out));
}

typedef struct {
    Reals threshold, w0, w1;
    Words rows;
} Cells;

/* The cells at these addresses, turned from one in a vector to one a lane. */
INLINE Cells load_cells(Words addresses)
{
    PerLane at;
    split(&at, addresses);
    const Reals a = cells_at(at.cell, 0), b = cells_at(at.cell, 1);
    const Reals c = cells_at(at.cell, 2), d = cells_at(at.cell, 3);
    const Words even = {EVEN}, odd = {ODD}, front = {FRONT}, back = {BACK};
    const Reals low = __builtin_shuffle(a, b, even), low2 = __builtin_shuffle(c, d, even);
    const Reals high = __builtin_shuffle(a, b, odd), high2 = __builtin_shuffle(c, d, odd);
    return (Cells){
        .threshold = __builtin_shuffle(low, low2, front),
        .w0 = __builtin_shuffle(low, low2, back),
        .w1 = __builtin_shuffle(high, high2, back),
        .rows = (Words)__builtin_shuffle(high, high2, front),
    };
}

/* A whole stage of at most LANES cells, one a lane. */
INLINE Cells load_stage(const double *cells, int64_t n_cells)
{
    Words addresses = (Words){0} + (uint64_t)cells;
    for (int l = 0; l < LANES && l < n_cells; l++) addresses[l] = (uint64_t)(cells + 4 * l);
    return load_cells(addresses);
}

/* Draw the children of all particles; return the sums of their weights. `held`: the cells of the
   stage stay in registers. */
INLINE Reals propagate(const Problem *p, int64_t h, Cloud *c, int sums, int held)
{
    const double size = (double)p->n_actions * TO_UNIT; /* exact */
    const double *cells = p->cells + p->cell_start[h];
    const Words low = (Words){0} + 0xffffffff;
    const uint64_t zero = zero_bits(2) + (sums ? 0 : 1); /* what i holds beside the cell's place */
    const uint64_t base = (uint64_t)cells - 8 * zero;
    Cells stage = {0};
    if (held) stage = load_stage(cells, p->n_cells[h]);
    Words s[4] = {c->s[0], c->s[1], c->s[2], c->s[3]}, row = {0};
    Reals total = {0};
    for (int64_t k = 0; k < c->n; k++) {
        Reals x = to_whole(next_words(s)) * size, cell = floor_of(x);
        if (sums) {
            row = c->parents[k];
        } else { /* hold the last mark */
            row = choose((Words)(c->parents[k] == 0), row, c->parents[k]);
            c->parents[k] = (Words){0};
        }
        Words i = row + bits(cell, 2);
        Cells of;
        if (held) {
            const Words at = (i - zero) >> 2;
            of = (Cells){.threshold = __builtin_shuffle(stage.threshold, at),
                         .w0 = __builtin_shuffle(stage.w0, at),
                         .w1 = __builtin_shuffle(stage.w1, at),
                         .rows = __builtin_shuffle(stage.rows, at)};
        } else {
            of = load_cells(base + (i << 3));
        }
        Words b = (Words)(x - cell >= of.threshold);
        Reals g = (Reals)choose(b, (Words)of.w1, (Words)of.w0);
        total += g;
        c->w[k] = sums ? total : g;
        c->children[k] = (of.rows >> (b & 32)) & low;
    }
    for (int j = 0; j < 4; j++) c->s[j] = s[j];
    return total;
}

/* places + the whole number of each lane times LANES; the lane's own is l beyond it. */
INLINE Words addresses_in(const Words *places, Reals whole)
{
    return (uint64_t)places - zero_bits(0) * (8 * LANES) + bits(whole, 0) * (8 * LANES);
}

/* Leave marks: 1 + the row of the parent where its children begin, 0 where they go on. */
INLINE void systematic(Cloud *c, Reals total)
{
    const int64_t n = c->n;
    const Reals u = to_whole(next_words(c->s)) * TO_UNIT, scale = (double)n / total;
    const Reals most = (Reals){0} + (double)n;
    Words begin = addresses_in(c->parents, (Reals){0});
    Reals sum = {0};
    for (int64_t i = 0; i < n; i++) {
        PerLane at;
        split(&at, begin);
        const uint64_t *row = (const uint64_t *)(c->children + i);
#pragma GCC unroll 8
        for (int l = 0; l < LANES; l++) at.place[l][l] = row[l] + 1;
        sum += c->w[i];
        begin = addresses_in(c->parents, least(ceiling(sum * scale - u), most));
    }
    for (int l = 0; l < LANES; l++) {
        uint64_t *at = (uint64_t *)begin[l];
        if (at == (uint64_t *)(c->parents + n)) continue;
        int64_t top = n - 1; /* rounding of the running sum */
        while (!(c->w[top][l] > 0.0)) top--;
        at[l] = c->children[top][l] + 1;
    }
}

/* Inversion with a guide table, see simulator.resampling.multinomial. */
INLINE void multinomial(Cloud *c, Reals total)
{
    const int64_t n = c->n;
    const Reals scale = (double)n / total * (1.0 + 2e-15), unit = total * TO_UNIT;
    const Reals most = (Reals){0} + (double)n;
    const double size = (double)n * TO_UNIT, *cumulative = (const double *)c->w;
    Words begin = addresses_in(c->guide, (Reals){0}), held = {0};
    memset(c->guide, 0, (size_t)(n + 1) * sizeof *c->guide);
    for (int64_t i = 0; i < n; i++) {
        PerLane at;
        split(&at, begin);
#pragma GCC unroll 8
        for (int l = 0; l < LANES; l++) at.place[l][l] = (uint64_t)i;
        begin = addresses_in(c->guide, least(ceiling(c->w[i] * scale), most));
    }
    for (int64_t k = 0; k < n; k++) {
        held = choose((Words)(c->guide[k] == 0), held, c->guide[k]);
        c->guide[k] = held;
    }
    for (int l = 0; l < LANES; l++) {
        uint64_t first = 0;
        while (!(c->w[first][l] > 0.0)) first++;
        c->guide[0][l] = first;
    }
    Words s[4] = {c->s[0], c->s[1], c->s[2], c->s[3]};
    for (int64_t k = 0; k < n; k++) {
        Reals whole = to_whole(next_words(s));
        PerLane at, x;
        split(&at, addresses_in(c->guide, floor_of(whole * size)));
        split(&x, (Words)(whole * unit));
        uint64_t *row = (uint64_t *)(c->parents + k);
#pragma GCC unroll 8
        for (int l = 0; l < LANES; l++) {
            uint64_t j = at.place[l][l];
            j += cumulative[j * LANES + l] <= x.real[l]; /* two steps are mostly enough */
            j += cumulative[j * LANES + l] <= x.real[l];
            while (cumulative[j * LANES + l] <= x.real[l]) j++;
            row[l] = c->children[j][l];
        }
    }
    for (int j = 0; j < 4; j++) c->s[j] = s[j];
}

/* First index whose running sum exceeds x; w holds sums or weights. */
static int64_t pick(const Cloud *c, int l, double x, int sums)
{
    double sum = 0.0;
    for (int64_t k = 0; k < c->n - 1; k++) {
        sum = sums ? c->w[k][l] : sum + c->w[k][l];
        if (sum > x) return k;
    }
    return c->n - 1;
}

typedef struct {
    uint64_t s[4];
    int64_t state, levels;
    double log_w;
} Result;

static Words after_word(const Cloud *c, Words s[4])
{
    for (int j = 0; j < 4; j++) s[j] = c->s[j];
    return next_words(s);
}

/* A run without weight ends; its lane goes on from the first state, and nobody looks. */
static void fail(Cloud *c, int l, int64_t level, int sums, Result *result)
{
    Words s[4];
    after_word(c, s);
    for (int j = 0; j < 4; j++) result->s[j] = s[j][l];
    result->state = -1;
    result->levels = level;
    result->log_w = -INFINITY;
    for (int64_t k = 0; k < c->n; k++) {
        c->w[k][l] = sums ? (double)(k + 1) : 1.0;
        c->children[k][l] = 0;
    }
}

INLINE void run(const Problem *p, Cloud *c, int sums, int held, Result results[LANES])
{
    const double n = (double)c->n;
    double log_sum[LANES];
    int alive[LANES];
    Reals total;
    for (int l = 0; l < LANES; l++) alive[l] = 1, log_sum[l] = p->log_root;
    memset(c->parents, 0, (size_t)c->n * sizeof *c->parents);
    if (!sums) c->parents[0] = (Words){0} + 1;
    for (int64_t h = 0; h < p->horizon;) {
        total = propagate(p, h, c, sums, held);
        double scale = p->log_scale[h];
        h++;
        for (int l = 0; l < LANES; l++) {
            if (!(total[l] > 0.0)) {
                if (alive[l]) fail(c, l, h, sums, results + l);
                else fail(c, l, h, sums, &(Result){0});
                total[l] = n;
                alive[l] = 0;
            }
            log_sum[l] += log(total[l] / n) + scale;
        }
        if (h < p->horizon) sums ? multinomial(c, total) : systematic(c, total);
    }
    Words s[4], word = after_word(c, s);
    Reals u = to_whole(word) * TO_UNIT;
    for (int l = 0; l < LANES; l++) {
        if (!alive[l]) continue;
        int64_t chosen = pick(c, l, u[l] * total[l], sums);
        uint32_t row = (uint32_t)c->children[chosen][l];
        results[l] = (Result){.state = row / (4 * p->n_actions), .levels = p->horizon,
                              .log_w = log_sum[l]};
        for (int j = 0; j < 4; j++) results[l].s[j] = s[j][l];
    }
}

static void *lines(int64_t bytes) { return aligned_alloc(64, (size_t)((bytes + 63) / 64 * 64)); }

/* seeds: (n_runs, 4), left where the runs left them; states, log_w, levels: (n_runs,), filled. */
void smc_simd(const Problem *p, int64_t n_runs, uint64_t *seeds, int64_t *states, double *log_w,
              int64_t *levels)
{
    const int64_t n = p->n_particles;
    Cloud c = {.n = n};
    int held = LANES == 8; /* four lanes gain nothing by it */
    for (int64_t h = 0; h < p->horizon; h++) held = held && p->n_cells[h] <= LANES;
    c.w = lines(n * (int64_t)sizeof *c.w);
    c.children = lines(n * (int64_t)sizeof *c.children);
    c.parents = lines((n + 1) * (int64_t)sizeof *c.parents);
    c.guide = lines((n + 1) * (int64_t)sizeof *c.guide);
    for (int64_t r = 0; r < n_runs; r += LANES) {
        const int64_t left = n_runs - r < LANES ? n_runs - r : LANES;
        Result results[LANES];
        for (int l = 0; l < LANES; l++)
            for (int j = 0; j < 4; j++) c.s[j][l] = seeds[4 * (r + (l < left ? l : 0)) + j];
        if (p->scheme == MULTINOMIAL && held) run(p, &c, 1, 1, results);
        else if (p->scheme == MULTINOMIAL) run(p, &c, 1, 0, results);
        else if (held) run(p, &c, 0, 1, results);
        else run(p, &c, 0, 0, results);
        for (int l = 0; l < left; l++) {
            memcpy(seeds + 4 * (r + l), results[l].s, sizeof results[l].s);
            states[r + l] = results[l].state;
            log_w[r + l] = results[l].log_w;
            levels[r + l] = results[l].levels;
        }
    }
    free(c.w);
    free(c.children);
    free(c.parents);
    free(c.guide);
}
