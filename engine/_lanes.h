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

/* The numbers of the events of a vector, ascending; how many they are. */
static inline int events_of(const uint64_t *vector, uint16_t *events) {
    uint8_t some[LANES];
    int lanes = 0, count = 0;
    /* Most words are empty, and nobody can guess which. */
    for (int lane = 0; lane < LANES; lane++) {
        some[lanes] = (uint8_t)lane;
        lanes += vector[lane] != 0;
    }
    for (int index = 0; index < lanes; index++) {
        uint64_t word = vector[some[index]];
        do {
            events[count++] = (uint16_t)(64 * some[index] + lowest_bit(word));
            word &= word - 1;
        } while (word);
    }
    return count;
}

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

/* Rules that are settled alike: each is so many literals, which must all hold, and what else its rest
   says. Nothing in them is possible where the guard, a literal, is not; 0 is none. Before, vectors are
   made of the predicates that say `early`, and then of the nodes that say `clauses`. */
typedef struct {
    int32_t guard;
    int32_t size;
    int32_t literals;
    int32_t rules;
    int32_t count;
    int32_t early;
    int32_t early_count;
    int32_t clauses;
    int32_t clause_count;
} Group;

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

/* Which cells there are, ascending, of those below a limit; how many. `seen` has a byte for each, a
   multiple of eight of them, and is empty before and after. */
static inline int distinct(const int32_t *cells, ptrdiff_t count, ptrdiff_t limit, uint8_t *seen,
                           int32_t *found) {
    int some = 0;
    for (ptrdiff_t index = 0; index < count; index++) seen[cells[index]] = 1;
    seen[limit] = 0;
    for (ptrdiff_t first = 0; first < limit; first += 8) {
        uint64_t word = 0;
        for (int byte = 0; byte < 8; byte++) word |= (uint64_t)seen[first + byte] << 8 * byte;
        if (!word) continue;
        memset(seen + first, 0, 8);
        do {
            found[some++] = (int32_t)(first + lowest_bit(word) / 8);
            word &= word - 1;
        } while (word);
    }
    return some;
}

/* Add each event to the vector of its cell. */
static inline void scatter(const int32_t *cells, ptrdiff_t count, const int32_t *vector_of,
                           uint64_t *arena) {
    for (ptrdiff_t index = 0; index < count; index++)
        arena[(size_t)vector_of[cells[index]] * LANES + index / 64] |= (uint64_t)1 << index % 64;
}

/* Add each vector of some that lie end to end to the next one. */
static inline void accumulate(uint64_t *vectors, ptrdiff_t count) {
    four f0 = {0, 0, 0, 0}, f1 = {0, 0, 0, 0};
    for (ptrdiff_t index = 0; index < count; index++, vectors += LANES) {
        f0 |= *(const four *)vectors;
        f1 |= *(const four *)(vectors + 4);
        *(four *)vectors = f0;
        *(four *)(vectors + 4) = f1;
    }
}

/* Whether any value is not within bounds, or no number. A zero loses its sign: the sum takes it. */
CLAUSAL_WIDEST
static int any_beyond(double *values, ptrdiff_t count, double low, double high) {
    int64_t beyond = 0;
    for (ptrdiff_t index = 0; index < count; index++) {
        double value = values[index];
        beyond |= (int64_t)!(value >= low) | (int64_t)!(value <= high);
        values[index] = value + 0.0;
    }
    return beyond != 0;
}

/* The same of whole numbers, and nothing is lost. */
CLAUSAL_WIDEST
static int any_whole_beyond(const int64_t *values, ptrdiff_t count, int64_t low, int64_t high) {
    int64_t beyond = 0;
    for (ptrdiff_t index = 0; index < count; index++)
        beyond |= (int64_t)(values[index] < low) | (int64_t)(values[index] > high);
    return beyond != 0;
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

/* The events of the vectors of some codes. */
CLAUSAL_WIDEST
static void any_of_codes(const int32_t *codes, ptrdiff_t count, const uint32_t *vectors,
                         const uint64_t *arena, uint64_t *found) {
    four f0 = {0, 0, 0, 0}, f1 = {0, 0, 0, 0};
    for (ptrdiff_t index = 0; index < count; index++) {
        const uint64_t *vector = arena + (size_t)vectors[codes[index]] * LANES;
        f0 |= *(const four *)vector;
        f1 |= *(const four *)(vector + 4);
    }
    *(four *)found = f0;
    *(four *)(found + 4) = f1;
}

/* From a rule of a group on, the next one whose literals are possible together in an event that is
   alive, and in which events they are, and in which any of them is unknown; `count` if there is none.

   The literals of a rule are looked at a few at once: a branch that is guessed wrong costs more than
   some of them. Their vectors are all there. */
enum { AT_ONCE = 8 };

CLAUSAL_WIDEST
static ptrdiff_t next_alive(const Literal *literals, ptrdiff_t size, ptrdiff_t rule, ptrdiff_t count,
                            const uint32_t *vectors, const uint64_t *arena, const uint64_t *alive,
                            uint64_t *possible, uint64_t *unknown) {
    const four a0 = *(const four *)alive, a1 = *(const four *)(alive + 4);
    for (literals += rule * size; rule < count; rule++, literals += size) {
        four p0 = a0, p1 = a1, u0 = {0, 0, 0, 0}, u1 = {0, 0, 0, 0}, any;
        for (ptrdiff_t index = 0;;) {
            ptrdiff_t stop = size - index > AT_ONCE ? index + AT_ONCE : size;
            for (; index < stop; index++) {
                Literal literal = literals[index];
                const uint64_t *holds = arena + (size_t)vectors[literal.where >> 1] * LANES;
                const uint64_t *missing = arena + (size_t)literal.missing * LANES;
                uint64_t turned = -(uint64_t)(literal.where & 1);
                four turn = {turned, turned, turned, turned};
                four m0 = *(const four *)missing, m1 = *(const four *)(missing + 4);
                p0 &= (*(const four *)holds ^ turn) | m0;
                p1 &= (*(const four *)(holds + 4) ^ turn) | m1;
                u0 |= m0;
                u1 |= m1;
            }
            any = p0 | p1;
            if (index == size || !(any[0] | any[1] | any[2] | any[3])) break;
        }
        if (any[0] | any[1] | any[2] | any[3]) {
            *(four *)possible = p0;
            *(four *)(possible + 4) = p1;
            *(four *)unknown = u0;
            *(four *)(unknown + 4) = u1;
            return rule;
        }
    }
    return count;
}

/* The events in which one of some literals is certain, and behind those the ones in which one is
   possible, but none certain. Their vectors are all there. */
CLAUSAL_WIDEST
static void either_of(const Literal *literals, ptrdiff_t count, const uint32_t *vectors,
                      const uint64_t *arena, uint64_t *found) {
    four p0 = {0, 0, 0, 0}, p1 = {0, 0, 0, 0}, c0 = {0, 0, 0, 0}, c1 = {0, 0, 0, 0};
    for (ptrdiff_t index = 0; index < count; index++) {
        const uint64_t *holds = arena + (size_t)vectors[literals[index].where >> 1] * LANES;
        const uint64_t *missing = arena + (size_t)literals[index].missing * LANES;
        uint64_t turned = -(uint64_t)(literals[index].where & 1);
        four turn = {turned, turned, turned, turned};
        four h0 = *(const four *)holds ^ turn, h1 = *(const four *)(holds + 4) ^ turn;
        four m0 = *(const four *)missing, m1 = *(const four *)(missing + 4);
        p0 |= h0 | m0;
        p1 |= h1 | m1;
        c0 |= h0 & ~m0;
        c1 |= h1 & ~m1;
    }
    *(four *)found = c0;
    *(four *)(found + 4) = c1;
    *(four *)(found + LANES) = p0 & ~c0;
    *(four *)(found + LANES + 4) = p1 & ~c1;
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
