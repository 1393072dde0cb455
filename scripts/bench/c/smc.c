/* SMC (arXiv 2603.07887, Algorithm 1) in C.

   What the kernels of simulator/samplers/smc are measured against. smc_scalar draws from one
   xoshiro256++ a run, as they do, and gives their output bit for bit. smc_lanes draws from eight
   side by side, which compilers turn into vector code: other draws, the same law.
   Build with: gcc -std=c11 -O3 -march=native -shared -fPIC (no fast-math; c11 contracts no a*b+c). */

#include "smc.h"

#define LANES 8

#define BITS 12 /* 4096 parts of a sweep */

typedef struct {
    uint32_t *parents, *children, *ancestors, *guide;
    double *w;
} Scratch;

static inline double to_whole(uint64_t word) { return (double)(int64_t)(word >> 11); }
static inline double to_unit(uint64_t word) { return to_whole(word) * TO_UNIT; }
static inline uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static inline uint64_t next_word(uint64_t s[4])
{
    uint64_t word = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return word;
}

typedef uint64_t Lanes __attribute__((vector_size(8 * LANES)));

/* Fill words[0..n) and up to LANES - 1 places beyond. */
static inline void lane_words(Lanes s[4], int64_t n, uint64_t *restrict words)
{
    Lanes s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
    for (int64_t k = 0; k < n; k += LANES) {
        Lanes sum = s0 + s3, word = ((sum << 23) | (sum >> 41)) + s0, t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = (s3 << 45) | (s3 >> 19);
        memcpy(words + k, &word, sizeof word);
    }
    s[0] = s0, s[1] = s1, s[2] = s2, s[3] = s3;
}

/* Words come from one generator (lanes == NULL) or from the buffer. */
#define WORD(k) (words ? words[k] : next_word(s))

/* Fill w with weights, or with their running sums, which multinomial resampling wants. */
static inline double propagate(const Problem *p, int64_t h, Scratch *c, const uint64_t *words,
                               uint64_t s[4], int sums)
{
    const double size = (double)p->n_actions * TO_UNIT; /* exact */
    const double *restrict cells = p->cells + p->cell_start[h];
    const uint32_t *restrict rows = p->rows + 2 * p->cell_start[h];
    const uint32_t *restrict parents = c->parents;
    uint32_t *restrict children = c->children, *restrict ancestors = c->ancestors;
    double *restrict w = c->w, total = 0.0;
    uint32_t row = 0;
    for (int64_t k = 0; k < p->n_particles; k++) {
        if (sums) {
            row = parents[ancestors[k]];
        } else { /* hold the last mark */
            row = ancestors[k] ? ancestors[k] - 1 : row;
            ancestors[k] = 0;
        }
        double x = to_whole(WORD(k)) * size;
        int64_t cell = (int64_t)x;
        uint64_t i = row + 4 * (uint64_t)cell;
        uint64_t b = 2 + (uint64_t)(x - (double)cell >= cells[i]);
        total += cells[i + b];
        w[k] = sums ? total : cells[i + b];
        children[k] = rows[2 * i + b];
    }
    return total;
}

static inline int64_t last_live(const double *w, int64_t n)
{
    while (!(w[n - 1] > 0.0)) n--;
    return n - 1;
}

static inline int64_t least(double x, int64_t n)
{
    int64_t k = (int64_t)ceil(x);
    return k < n ? k : n;
}

/* Leave marks in place of ancestors: 1 + the row of the parent where its children begin. */
static inline void systematic(int64_t n, double total, Scratch *c, double u)
{
    const double scale = (double)n / total;
    uint32_t *restrict marks = c->ancestors;
    int64_t begin = 0;
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        marks[begin] = c->parents[i] + 1;
        sum += c->w[i];
        begin = least(sum * scale - u, n);
    }
    if (begin < n) marks[begin] = c->parents[last_live(c->w, n)] + 1;
}

static inline void prepare(int64_t n, double total, const double *restrict cumulative,
                           uint32_t *guide)
{
    const double scale = (double)n / total * (1.0 + 2e-15);
    int64_t done = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t upto = least(cumulative[i] * scale, n);
        spread(guide, (uint32_t)i, done, upto);
        done = upto;
    }
    uint32_t low = 0;
    while (!(cumulative[low] > 0.0)) low++;
    guide[0] = low;
}

/* total and size over 2^53 */
static inline uint32_t locate(double whole, double total, double size, const double *cumulative,
                              const uint32_t *guide)
{
    double x = whole * total;
    uint32_t j = guide[(int64_t)(whole * size)];
    j += cumulative[j] <= x; /* two steps without a branch are mostly enough */
    j += cumulative[j] <= x;
    while (cumulative[j] <= x) j++;
    return j;
}

static inline void multinomial(int64_t n, double total, Scratch *c, const uint64_t *words,
                               uint64_t s[4])
{
    const double *restrict cumulative = c->w, unit = total * TO_UNIT, size = (double)n * TO_UNIT;
    const uint32_t *restrict guide = c->guide;
    uint32_t *restrict ancestors = c->ancestors;
    prepare(n, total, c->w, c->guide);
    for (int64_t k = 0; k < n; k++)
        ancestors[k] = locate(to_whole(WORD(k)), unit, size, cumulative, guide);
}

/* The same law with memory walked in order: see simulator.resampling.multinomial_sweep. */
static void multinomial_sweep(int64_t n, double total, Scratch *c, Lanes lanes[4],
                              uint64_t *words, uint64_t s[4])
{
    const double unit = total * TO_UNIT, size = (double)n * TO_UNIT;
    int64_t counts[1 << BITS] = {0}, done = 0;
    if (words) lane_words(lanes, n, words);
    prepare(n, total, c->w, c->guide);
    for (int64_t k = 0; k < n; k++) counts[WORD(k) >> (64 - BITS)]++;
    if (words) lane_words(lanes, n, words);
    for (uint64_t part = 0; part < 1 << BITS; part++)
        for (int64_t end = done + counts[part]; done < end; done++) {
            uint64_t word = part << (64 - BITS) | WORD(done) >> BITS;
            c->ancestors[done] = locate(to_whole(word), unit, size, c->w, c->guide);
        }
}

/* First index whose running sum exceeds x; w holds sums or weights. */
static inline int64_t pick(const double *w, int64_t n, double x, int sums)
{
    double sum = 0.0;
    for (int64_t k = 0; k < n - 1; k++) {
        sum = sums ? w[k] : sum + w[k];
        if (sum > x) return k;
    }
    return n - 1;
}

/* One run from one generator s, or from lanes of them if `words` is a buffer. */
static inline void run(const Problem *p, Scratch *c, uint64_t s[4], Lanes lanes[4],
                       uint64_t *words, int64_t *state, double *log_w, int64_t *levels)
{
    const int64_t n = p->n_particles;
    double total = 0.0, log_sum = p->log_root;
    int64_t h = 0;
    const int sums = p->scheme != SYSTEMATIC;
    memset(c->parents, 0, (size_t)n * sizeof *c->parents);
    for (int64_t k = 0; k < n; k++) c->ancestors[k] = sums ? (uint32_t)k : k == 0;
    while (h < p->horizon) {
        if (words) lane_words(lanes, n, words);
        total = sums ? propagate(p, h, c, words, s, 1) : propagate(p, h, c, words, s, 0);
        double scale = p->log_scale[h];
        h++;
        if (!(total > 0.0)) break;
        uint32_t *other = c->parents;
        c->parents = c->children;
        c->children = other;
        log_sum += log(total / (double)n) + scale;
        if (h == p->horizon) break;
        if (p->scheme == MULTINOMIAL_SWEEP) {
            multinomial_sweep(n, total, c, lanes, words, s);
        } else if (p->scheme == MULTINOMIAL) {
            if (words) lane_words(lanes, n, words);
            multinomial(n, total, c, words, s);
        } else {
            if (words) lane_words(lanes, 1, words);
            systematic(n, total, c, to_unit(WORD(0)));
        }
    }
    if (words) lane_words(lanes, 1, words);
    double u = to_unit(WORD(0));
    *levels = h;
    *state = -1;
    *log_w = -INFINITY;
    if (total > 0.0) {
        *state = (int64_t)c->parents[pick(c->w, n, u * total, sums)] / (4 * p->n_actions);
        *log_w = log_sum;
    }
}

static void *slots(int64_t n) { return malloc((size_t)(n + SLACK) * sizeof(uint64_t)); }

static Scratch make_scratch(int64_t n)
{
    return (Scratch){slots(n), slots(n), slots(n), slots(n), slots(n)};
}

static void free_scratch(Scratch *c)
{
    free(c->parents);
    free(c->children);
    free(c->ancestors);
    free(c->guide);
    free(c->w);
}

/* How many lanes smc_simd.c may have on this processor: 8, 4 or none. */
int simd_lanes(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        return 8;
    if (__builtin_cpu_supports("avx2")) return 4;
#endif
    return 0;
}

/* seeds: (n_runs, 4), left where the runs left them; states, log_w, levels: (n_runs,), filled. */
void smc_scalar(const Problem *p, int64_t n_runs, uint64_t *seeds, int64_t *states, double *log_w,
                int64_t *levels)
{
    Scratch c = make_scratch(p->n_particles);
    for (int64_t r = 0; r < n_runs; r++) {
        uint64_t s[4];
        memcpy(s, seeds + 4 * r, sizeof s);
        run(p, &c, s, NULL, NULL, states + r, log_w + r, levels + r);
        memcpy(seeds + 4 * r, s, sizeof s);
    }
    free_scratch(&c);
}

/* The same with seeds (n_runs, 4, LANES). */
void smc_lanes(const Problem *p, int64_t n_runs, uint64_t *seeds, int64_t *states, double *log_w,
               int64_t *levels)
{
    Scratch c = make_scratch(p->n_particles);
    uint64_t *words = slots(p->n_particles);
    for (int64_t r = 0; r < n_runs; r++) {
        Lanes lanes[4];
        memcpy(lanes, seeds + 4 * LANES * r, sizeof lanes);
        run(p, &c, NULL, lanes, words, states + r, log_w + r, levels + r);
        memcpy(seeds + 4 * LANES * r, lanes, sizeof lanes);
    }
    free(words);
    free_scratch(&c);
}
