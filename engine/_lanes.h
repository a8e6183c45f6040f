/* Bit vectors over the events of a batch, and the loops over them that are hot.

   A vector has LANES words: event e is bit e % 64 of word e / 64. Compilers turn the blocks of four
   words into whatever registers the machine has; no result depends on which. */

#ifndef CLAUSAL_LANES_H
#define CLAUSAL_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 8, BATCH = 64 * LANES, UNSET_VECTOR = 0xFFFFFFFF };

typedef uint64_t four __attribute__((vector_size(32), aligned(8), may_alias));

static inline int lanes_any(const uint64_t *vector) {
    uint64_t all = 0;
    for (int lane = 0; lane < LANES; lane++) all |= vector[lane];
    return all != 0;
}

static inline int lanes_count(const uint64_t *vector) {
    int count = 0;
    for (int lane = 0; lane < LANES; lane++) count += __builtin_popcountll(vector[lane]);
    return count;
}

static inline int lowest_bit(uint64_t word) { return __builtin_ctzll(word); }

/* So many bits, 64 at most, of those that begin at a bit; no byte beyond them is read. */
static inline uint64_t bits_at(const uint8_t *bits, int64_t first, int count) {
    const uint8_t *at = bits + first / 8;
    int shift = (int)(first % 8), bytes = (shift + count + 7) / 8;
    uint64_t found = 0;
    for (int index = 0; index < bytes && index < 8; index++) found |= (uint64_t)at[index] << 8 * index;
    found >>= shift;
    if (bytes == 9) found |= (uint64_t)at[8] << (64 - shift);
    return count == 64 ? found : found & (((uint64_t)1 << count) - 1);
}

/* A hash of bytes, for tables of names that were written by the authors of policies: whoever sends
   an event can make a search no longer than these names made it. */
static inline uint32_t hash_of(const uint8_t *bytes, size_t size) {
    uint64_t hash = (uint64_t)size * 0x9E3779B97F4A7C15u, word;
    for (; size >= 8; size -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
    }
    for (word = 0; size; size--) word = word << 8 | *bytes++;
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    return (uint32_t)(hash >> 32);
}

/* A literal as the plan has it: where the number of its vector stands, and in bit 0 whether it is
   negated; and the number of the vector of the events in which it is unknown. */
typedef struct {
    uint32_t where;
    uint32_t missing;
} Literal;

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) \
    && !defined(__SANITIZE_ADDRESS__)
#define CLAUSAL_WIDEST __attribute__((target_clones("avx2", "default")))
#else
#define CLAUSAL_WIDEST
#endif

/* For each value, twice the number of thresholds that are less, and 1 more if the next one is equal.

   A value's bucket is `(value - low) * scale`, cut off at 0 and `last`: never one before that of a
   smaller value, whatever is rounded. So thresholds of earlier buckets are less than the value and
   those of later ones greater, and only the bucket's own are looked at, as many steps as the fullest
   bucket needs. After the last threshold stands infinity. Of what is no number any cell comes out. */
CLAUSAL_WIDEST
static void cells_of(const double *values, ptrdiff_t count, const double *thresholds,
                     const int32_t *starts, double low, double scale, double last, int steps,
                     int32_t *cells) {
    for (ptrdiff_t index = 0; index < count; index++) {
        double place = (values[index] - low) * scale;
        place = place > 0 ? place : 0;
        place = place < last ? place : last;
        cells[index] = (int32_t)place;
    }
    if (steps < 0) {
        /* The fullest bucket is too full to walk through: halve what is left of it. */
        for (ptrdiff_t index = 0; index < count; index++) {
            int32_t at = starts[cells[index]], left = starts[cells[index] + 1] - at;
            double value = values[index];
            while (left > 0) {
                int32_t half = left >> 1;
                int less = thresholds[at + half] < value;
                at += less ? half + 1 : 0;
                left = less ? left - half - 1 : half;
            }
            cells[index] = 2 * at + (thresholds[at] == value);
        }
        return;
    }
    for (ptrdiff_t index = 0; index < count; index++) {
        int32_t at = starts[cells[index]];
        double value = values[index];
        for (int step = 0; step < steps; step++) at += thresholds[at] < value;
        cells[index] = 2 * at + (thresholds[at] == value);
    }
}

/* The events of those vectors, of so many that lie end to end, whose codes are in a mask. */
CLAUSAL_WIDEST
static void any_in(const uint64_t *vectors, const int32_t *codes, ptrdiff_t count,
                   const uint64_t *mask, uint64_t *found) {
    four f0 = {0, 0, 0, 0}, f1 = {0, 0, 0, 0};
    for (ptrdiff_t index = 0; index < count; index++, vectors += LANES) {
        /* Whether a code is in the mask is anybody's guess: without a branch to be guessed wrong. */
        uint64_t in = -(mask[codes[index] >> 6] >> (codes[index] & 63) & 1);
        four keep = {in, in, in, in};
        f0 |= *(const four *)vectors & keep;
        f1 |= *(const four *)(vectors + 4) & keep;
    }
    *(four *)found = f0;
    *(four *)(found + 4) = f1;
}

/* Narrow `possible` and `certain` by literals that must all hold. The number of those that were
   looked at: all; fewer if the vector of the next one is not there yet; -1 if nothing is left. */
CLAUSAL_WIDEST
static ptrdiff_t all_of(const Literal *literals, ptrdiff_t count, const uint32_t *vectors,
                        const uint64_t *arena, uint64_t *possible, uint64_t *certain) {
    four p0 = *(const four *)possible, p1 = *(const four *)(possible + 4);
    four c0 = *(const four *)certain, c1 = *(const four *)(certain + 4);
    ptrdiff_t index;
    for (index = 0; index < count; index++) {
        uint32_t vector = vectors[literals[index].where >> 1];
        if (vector == UNSET_VECTOR) break;
        const uint64_t *holds = arena + (size_t)vector * LANES;
        const uint64_t *unknown = arena + (size_t)literals[index].missing * LANES;
        uint64_t turned = -(uint64_t)(literals[index].where & 1);
        four turn = {turned, turned, turned, turned};
        four h0 = *(const four *)holds ^ turn, h1 = *(const four *)(holds + 4) ^ turn;
        four u0 = *(const four *)unknown, u1 = *(const four *)(unknown + 4);
        p0 &= h0 | u0;
        p1 &= h1 | u1;
        c0 &= h0 & ~u0;
        c1 &= h1 & ~u1;
        four any = p0 | p1;
        if (!(any[0] | any[1] | any[2] | any[3])) return -1;
    }
    *(four *)possible = p0;
    *(four *)(possible + 4) = p1;
    *(four *)certain = c0;
    *(four *)(certain + 4) = c1;
    return index;
}

/* Widen `possible` and `certain`, of the events of `among`, by literals of which one must hold. */
CLAUSAL_WIDEST
static ptrdiff_t any_of(const Literal *literals, ptrdiff_t count, const uint32_t *vectors,
                        const uint64_t *arena, const uint64_t *among, uint64_t *possible,
                        uint64_t *certain) {
    four a0 = *(const four *)among, a1 = *(const four *)(among + 4);
    four p0 = *(const four *)possible, p1 = *(const four *)(possible + 4);
    four c0 = *(const four *)certain, c1 = *(const four *)(certain + 4);
    ptrdiff_t index;
    for (index = 0; index < count; index++) {
        uint32_t vector = vectors[literals[index].where >> 1];
        if (vector == UNSET_VECTOR) break;
        const uint64_t *holds = arena + (size_t)vector * LANES;
        const uint64_t *unknown = arena + (size_t)literals[index].missing * LANES;
        uint64_t turned = -(uint64_t)(literals[index].where & 1);
        four turn = {turned, turned, turned, turned};
        four h0 = *(const four *)holds ^ turn, h1 = *(const four *)(holds + 4) ^ turn;
        four u0 = *(const four *)unknown, u1 = *(const four *)(unknown + 4);
        p0 |= a0 & (h0 | u0);
        p1 |= a1 & (h1 | u1);
        c0 |= a0 & h0 & ~u0;
        c1 |= a1 & h1 & ~u1;
    }
    *(four *)possible = p0;
    *(four *)(possible + 4) = p1;
    *(four *)certain = c0;
    *(four *)(certain + 4) = c1;
    return index;
}

#endif
