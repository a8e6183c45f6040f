/* JSON bytes read in one pass, straight into the slots that a bundle reads: no object is made.
 *
 * What is read here is strict RFC 8259, checked everywhere, also in what nobody reads. Whatever is
 * wrong or merely unusual makes the whole event irregular (NULL), and the plain way says what it is.
 * Values that are sound but want Python (texts, long numbers) are left to it: their place is noted.
 *
 * The text lies in a page: behind it are a NUL, at which everything stops, and more zeros, so that
 * words may be read at once without a look at where the text ends. Words are read as if the first
 * byte were the lowest, on every machine (see eight_bytes).
 *
 * Nothing here is of Python, and nothing is shared but what never changes. */
#ifndef CLAUSAL_JSON_H
#define CLAUSAL_JSON_H

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "_usual.h"

#define mostly(condition) __builtin_expect(!!(condition), 1)
#define rarely(condition) __builtin_expect(!!(condition), 0)

/* How many zeros follow a text in its page: as many as the longest read behind its end needs. */
enum { PADDING = 64 };
/* As many keys that nobody reads are looked through for equal ones at a time. */
enum { MOST_PENDING = 1024 };
/* As deep as decode.py lets objects and lists be nested. */
enum { MOST_LEVELS = 128 };
/* As many digits of a whole number are left to Python. */
enum { MOST_DIGITS = 400 };

enum { VALUE_ABSENT, VALUE_FAILED, VALUE_PRESENT };

enum {
    READ_BOOL, READ_INTEGER, READ_NUMBER, READ_SHARE, READ_INSTANT, READ_DURATION, READ_DATE,
    READ_NAME, READ_STRING, READ_NAMES, READ_STRINGS,
    READ_GROUP  /* not the form of a value: the key has an object with keys below it */
};

enum { LEFT_TEXT, LEFT_ESCAPED, LEFT_WHOLE, LEFT_REAL, LEFT_LIST };

#define LARGEST 9007199254740992.0

/* ── Names: tables from UTF-8 to numbers ─────────────────────────────────────────────────────── */

/* A name is a text that JSON writes without escapes. It is followed by its quote, which its size
 * does not count, and by some more bytes. */

/* Up to eight bytes, the quote among them if there is room for it, and zeros, which no name has.
 * No bytes: there is no name here. */
typedef struct {
    uint64_t bytes;
    int64_t number;
} ShortName;

/* The first and the last eight bytes, which may overlap. No size: there is no name here. */
typedef struct {
    uint64_t first, last;
    size_t size;
    int64_t number;
    const uint8_t *text;
} LongName;

typedef struct {
    ShortName *shorter;
    LongName *longer;
    uint64_t short_mask, short_multiplier, long_mask, long_multiplier;
} Names;

static const uint64_t BYTES_OF[9] = {
    0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF,
    0xFFFFFFFFFFFFFFFF,
};

static inline LongName long_name_at(const uint8_t *text, size_t size) {
    LongName name = {eight_bytes(text), eight_bytes(text + size - 8), size, 0, text};
    return name;
}

/* The high half of a product depends on all bits of its factors. */
static inline uint64_t short_place(const Names *names, uint64_t bytes) {
    return bytes * names->short_multiplier >> 40 & names->short_mask;
}

static inline uint64_t long_place(const Names *names, const LongName *name) {
    uint64_t word = (name->first ^ (name->last << 23 | name->last >> 41)) + (uint64_t)name->size;
    return word * names->long_multiplier >> 40 & names->long_mask;
}

static inline uint64_t short_bytes(uint64_t word, size_t size) {
    return word & BYTES_OF[size < 8 ? size + 1 : 8];
}

/* The number of a name of up to eight bytes, -1 if it has none. */
static inline int64_t short_number(const Names *names, uint64_t word, size_t size) {
    uint64_t bytes = short_bytes(word, size);
    uint64_t place = short_place(names, bytes);
    for (;;) {
        const ShortName *found = &names->shorter[place];
        if (mostly(found->bytes == bytes)) return found->number;
        if (found->bytes == 0) return -1;
        place = (place + 1) & names->short_mask;
    }
}

static inline int64_t long_number_of(const Names *names, const uint8_t *text, size_t size) {
    LongName name = long_name_at(text, size);
    uint64_t place = long_place(names, &name);
    for (;;) {
        const LongName *found = &names->longer[place];
        if (!((found->first ^ name.first) | (found->last ^ name.last) | (found->size ^ size))) {
            /* A longer one with its quote, which ends it here as well. */
            if (size <= 16 || !memcmp(found->text, text, size + 1)) return found->number;
        }
        if (found->size == 0) return -1;
        place = (place + 1) & names->long_mask;
    }
}

/* Fill a table with the names that belong into it; how many are not at their own places. */
static inline size_t fill_names(Names *names, const LongName *from, size_t count, bool longer) {
    size_t displaced = 0;
    uint64_t place;
    if (longer) {
        for (place = 0; place <= names->long_mask; place += 1) names->longer[place] = (LongName){.number = -1};
    } else {
        for (place = 0; place <= names->short_mask; place += 1) names->shorter[place] = (ShortName){.number = -1};
    }
    for (size_t index = 0; index < count; index += 1) {
        const LongName *name = &from[index];
        if (longer != (name->size > 8)) continue;
        if (longer) {
            place = long_place(names, name);
            displaced += names->longer[place].size != 0;
            while (names->longer[place].size) place = (place + 1) & names->long_mask;
            names->longer[place] = *name;
        } else {
            place = short_place(names, name->first);
            displaced += names->shorter[place].bytes != 0;
            while (names->shorter[place].bytes) place = (place + 1) & names->short_mask;
            names->shorter[place].bytes = name->first;
            names->shorter[place].number = name->number;
        }
    }
    return displaced;
}

/* Take names, whose texts must stay; false without memory. Of some multipliers the one is kept that
 * sends the fewest names to one place: mostly there is one that parts them all. */
static inline bool make_names(Names *names, LongName *from, size_t count) {
    size_t sizes[2] = {0, 0};
    for (size_t index = 0; index < count; index += 1) {
        LongName *name = &from[index];
        if (name->size > 8) {
            int64_t number = name->number;
            *name = long_name_at(name->text, name->size);
            name->number = number;
        } else {
            name->first = short_bytes(eight_bytes(name->text), name->size);
        }
        sizes[name->size > 8] += 1;
    }
    for (int longer = 0; longer < 2; longer += 1) {
        size_t places = 4, wanted = sizes[longer], least = wanted + 1;
        while (places < 4 * wanted && (places < 4096 || places < 2 * wanted)) places *= 2;
        uint64_t *multiplier = longer ? &names->long_multiplier : &names->short_multiplier;
        if (longer) {
            names->longer = malloc(places * sizeof(LongName));
            names->long_mask = places - 1;
            if (names->longer == NULL) return false;
        } else {
            names->shorter = malloc(places * sizeof(ShortName));
            names->short_mask = places - 1;
            if (names->shorter == NULL) return false;
        }
        uint64_t best = 1, next = 0x9E3779B97F4A7C15u;
        for (int attempt = 0; attempt < 64 && least > 0; attempt += 1) {
            next = next * 6364136223846793005u + 1442695040888963407u;
            *multiplier = (next ^ next >> 32) | 1;
            size_t displaced = fill_names(names, from, count, longer);
            if (displaced < least) {
                least = displaced;
                best = *multiplier;
            }
        }
        *multiplier = best;
        fill_names(names, from, count, longer);
    }
    return true;
}

static inline void free_names(Names *names) {
    free(names->shorter);
    free(names->longer);
}

/* ── What is read ────────────────────────────────────────────────────────────────────────────── */

/* A key that is read: its slot, or the group below it. The words of a set are words[first_word] and
 * so on. The pattern is the key with its quotes and the colon behind them: its size, the bytes that
 * it begins with, and which of them belong to it. */
typedef struct {
    uint64_t first, first_mask, second, second_mask;
    const uint8_t *pattern;
    size_t size;
    int32_t form, slot, group, first_word, word_count;
    Names symbols;
} Key;

/* An object whose keys are read: keys[first_key] and so on belong to it and to what is below. */
typedef struct {
    Names names;
    int32_t first_key, end_key;
} Group;

/* One key more than are read, the last, fits nothing. */
typedef struct {
    Key *keys;
    Group *groups;
    int32_t key_count, group_count;
} Schema;

/* Give a key its pattern, which must stay and have some bytes behind it. */
static inline void set_pattern(Key *key, const uint8_t *pattern, size_t size) {
    key->pattern = pattern;
    key->size = size;
    key->first_mask = BYTES_OF[size < 8 ? size : 8];
    key->second_mask = BYTES_OF[size < 8 ? 0 : size < 16 ? size - 8 : 8];
    key->first = eight_bytes(pattern) & key->first_mask;
    key->second = eight_bytes(pattern + 8) & key->second_mask;
}

static inline void fit_nothing(Key *key) { key->first = 1; }

static inline bool fits(const Key *key, const uint8_t *at) {
    uint64_t different = ((eight_bytes(at) & key->first_mask) ^ key->first) |
                         ((eight_bytes(at + 8) & key->second_mask) ^ key->second);
    return !different && (mostly(key->size <= 16) || !memcmp(at, key->pattern, key->size));
}

/* A value that is left to Python: text[start:end], without quotes. */
typedef struct {
    int32_t slot, kind;
    size_t start, end;
} Left;

typedef struct {
    const Schema *schema;
    /* By slot, but for words; all states are VALUE_ABSENT before an event is read. */
    uint8_t *state;
    double *number;
    int32_t *code;
    uint64_t *words;
    const uint8_t *text;
    uint8_t *seen;
    /* The key that came last behind each key, and first in each group (those behind the keys):
     * producers write keys in one order. A guess only, which what is read does not depend on. */
    int32_t *guess;
    Left *left;
    size_t left_count;
    /* The value under $history; empty if there is none. */
    size_t history_start, history_end;
    size_t pending_count;
    uint64_t pending[MOST_PENDING];
} Scan;

/* ── Texts ───────────────────────────────────────────────────────────────────────────────────── */

#define HIGH_BITS IN_EACH_BYTE(0x80)

/* The high bit of each byte that is zero or less than a limit. The lowest bit found is right; those
 * above it may be wrong. */
static inline uint64_t less_than(uint64_t word, uint8_t limit) {
    return (word - IN_EACH_BYTE(limit)) & ~word & HIGH_BITS;
}

static inline uint64_t equal_to(uint64_t word, uint8_t byte) {
    return less_than(word ^ IN_EACH_BYTE(byte), 1);
}

static inline size_t first_byte(uint64_t bits) { return (size_t)__builtin_ctzll(bits) >> 3; }

static inline bool continues(uint8_t byte) { return (byte & 0xC0) == 0x80; }

/* Behind the characters beyond ASCII that begin here; NULL if they are not well-formed UTF-8. */
static inline const uint8_t *beyond_ascii(const uint8_t *at) {
    while (*at >= 0x80) {
        /* Two of three bytes each, as in Chinese, if no first byte asks for more about the second. */
        uint64_t word = eight_bytes(at);
        if (mostly((word & 0xC0C0F0C0C0F0) == 0x8080E08080E0) &&
            mostly(!((0x2001 >> (word & 15) | 0x2001 >> (word >> 24 & 15)) & 1))) {
            at += 6;
            continue;
        }
        uint8_t lead = *at, second = at[1];
        if (lead < 0xE0) {
            if (lead < 0xC2 || !continues(second)) return NULL;
            at += 2;
        } else if (lead < 0xF0) {
            if (!continues(second) || !continues(at[2])) return NULL;
            if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0)) return NULL;
            at += 3;
        } else {
            if (lead > 0xF4 || !continues(second) || !continues(at[2]) || !continues(at[3])) return NULL;
            if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second >= 0x90)) return NULL;
            at += 4;
        }
    }
    return at;
}

static inline int hexadecimal(uint8_t byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The code unit of the four digits behind `\u`, -1 if they are none. */
static inline int32_t code_unit(const uint8_t *at) {
    int32_t unit = 0;
    for (int index = 0; index < 4; index += 1) {
        int digit = hexadecimal(at[index]);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* Behind an escape; NULL if JSON has none such. Halves of pairs are let through, as in decode.py. */
static inline const uint8_t *escape(const uint8_t *at) {
    switch (at[1]) {
        case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
            return at + 2;
        case 'u':
            return code_unit(at + 2) < 0 ? NULL : at + 6;
        default:
            return NULL;
    }
}

/* The closing quote of a text that begins here; NULL if it is none. */
static inline const uint8_t *text_end(const uint8_t *at, int *escaped) {
    for (;;) {
        uint64_t word = eight_bytes(at);
        uint64_t stops = equal_to(word, '"') | equal_to(word, '\\') | less_than(word, 0x20) |
                         (word & HIGH_BITS);
        if (!stops) {
            at += 8;
            continue;
        }
        at += first_byte(stops);
        if (mostly(*at == '"')) return at;
        if (*at >= 0x80) {
            at = beyond_ascii(at);
        } else if (*at == '\\') {
            *escaped = 1;
            at = escape(at);
        } else {
            return NULL;
        }
        if (at == NULL) return NULL;
    }
}

/* The number of the name that begins here, and its size; -1 if there is none. What has the bytes of
 * a name is sound. */
static inline int64_t number_of(const Names *names, const uint8_t *at, size_t *size) {
    uint64_t word = eight_bytes(at);
    uint64_t quotes = equal_to(word, '"');
    if (mostly(quotes)) {
        *size = first_byte(quotes);
        return short_number(names, word, *size);
    }
    if (at[8] == '"') {
        *size = 8;
        return short_number(names, word, 8);
    }
    *size = 9;
    while (at[*size] != '"' && at[*size] != 0) *size += 1;
    return long_number_of(names, at, *size);
}

/* All bits of a product depend on the low ones of its factors; the high half on all of them. */
static inline uint64_t mixed(uint64_t word) {
    word ^= word >> 32;
    word *= 0x9E3779B97F4A7C15u;
    return word ^ word >> 29;
}

/* What tells keys apart; equal keys have equal ones. */
static inline uint64_t mark_of(const uint8_t *key, size_t size) {
    uint64_t word = eight_bytes(key);
    if (size <= 8) return mixed(word & BYTES_OF[size]);
    uint64_t mark = mixed(word + size) ^ eight_bytes(key + size - 8);
    for (size_t at = 8; at + 8 < size; at += 8) mark = mixed(mark) + eight_bytes(key + at);
    return mixed(mark);
}

static inline int compare_marks(const void *left, const void *right) {
    uint64_t one = *(const uint64_t *)left, two = *(const uint64_t *)right;
    return (one > two) - (one < two);
}

/* Whether two keys might be equal. */
static inline bool repeated(uint64_t *marks, size_t count) {
    if (count <= 32) {
        bool found = false;
        for (size_t one = 1; one < count; one += 1)
            for (size_t two = 0; two < one; two += 1) found |= marks[one] == marks[two];
        return found;
    }
    qsort(marks, count, sizeof(uint64_t), compare_marks);
    for (size_t index = 1; index < count; index += 1)
        if (marks[index] == marks[index - 1]) return true;
    return false;
}

/* ── Numbers ─────────────────────────────────────────────────────────────────────────────────── */

static const double POWERS[23] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static const uint64_t WHOLE_POWERS[8] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

/* How a number stands there: done, or sound but to be made a float by Python. */
enum { NUMBER_DONE, NUMBER_WHOLE, NUMBER_REAL };

/* The digits, 0 to 9, that a word begins with, all of the lower bytes; how many of them. */
static inline size_t digits_in(uint64_t *word) {
    *word ^= IN_EACH_BYTE('0');
    uint64_t stops = ((*word + IN_EACH_BYTE(0x76)) | *word) & HIGH_BITS;
    return stops ? first_byte(stops) : 8;
}

/* The number that the first 1 to 8 digits make. */
static inline uint64_t number_in(uint64_t digits, size_t count) {
    digits <<= 64 - 8 * count;
    digits = digits * 10 + (digits >> 8);
    return ((digits & 0xFF000000FF) * 0xF424000000064 + (digits >> 16 & 0xFF000000FF) * 0x271000000001) >> 32;
}

/* A number of any length, by the digit. */
static const uint8_t *long_number(const uint8_t *at, double *number, int *how) {
    const uint64_t room = UINT64_MAX / 10 - 1;
    uint64_t significand = 0;
    int64_t exponent = 0, given = 0;
    bool exact = true, whole = true, negative = *at == '-';
    at += negative;
    if (*at < '0' || *at > '9' || (*at == '0' && at[1] >= '0' && at[1] <= '9')) return NULL;
    for (; *at >= '0' && *at <= '9'; at += 1) {
        exact &= significand <= room;
        if (exact) significand = significand * 10 + (*at - '0');
    }
    if (*at == '.') {
        whole = false;
        at += 1;
        if (*at < '0' || *at > '9') return NULL;
        for (; *at >= '0' && *at <= '9'; at += 1) {
            exact &= significand <= room;
            if (exact) {
                significand = significand * 10 + (*at - '0');
                exponent -= 1;
            }
        }
    }
    if (*at == 'e' || *at == 'E') {
        whole = false;
        at += 1;
        bool down = *at == '-';
        at += down || *at == '+';
        if (*at < '0' || *at > '9') return NULL;
        for (; *at >= '0' && *at <= '9'; at += 1)
            if (given < 100000) given = given * 10 + (*at - '0');
        exponent += down ? -given : given;
    }
    *how = whole ? NUMBER_WHOLE : NUMBER_REAL;
    double found;
    if (!exact) return at;
    if (significand == 0) {
        found = 0;
    } else if (FLT_EVAL_METHOD == 0 && significand <= (uint64_t)1 << 53 && exponent >= -22 && exponent <= 22) {
        /* Both numbers are exact, so that the result is rounded once. */
        found = (double)significand;
        found = exponent < 0 ? found / POWERS[-exponent] : found * POWERS[exponent];
#ifdef __SIZEOF_INT128__
    } else if (!whole && exponent < 0 && exponent >= -19) {
        /* The quotient has at least 62 bits, and its last one stands for all that follow, so that
         * the conversion, which rounds half to even, rounds the fraction itself. */
        uint64_t divisor = 1;
        for (int64_t power = exponent; power < 0; power += 1) divisor *= 10;
        int up = __builtin_clzll(significand), under = __builtin_clzll(divisor);
        unsigned __int128 dividend = (unsigned __int128)(significand << up) << 63;
        divisor <<= under;
        uint64_t quotient = (uint64_t)(dividend / divisor);
        quotient |= dividend % divisor != 0;
        found = ldexp((double)quotient, under - up - 63);
#endif
    } else {
        return at;
    }
    *number = negative ? -found : found;
    *how = NUMBER_DONE;
    return at;
}

/* Behind a number that begins here; NULL if none does. */
static inline const uint8_t *read_number(const uint8_t *start, double *number, int *how) {
    const uint8_t *at = start;
    uint64_t digits = eight_bytes(at);
    size_t count;
    if ((digits & 0xFFFF) == 0x2E30) {
        /* 0. and some digits, as scores are. */
        digits = eight_bytes(at + 2);
        count = digits_in(&digits);
        at += count + 2;
        if (rarely(count == 0 || count == 8 || (*at | 0x20) == 'e' || FLT_EVAL_METHOD != 0))
            return long_number(start, number, how);
        *number = (double)(int64_t)number_in(digits, count) / POWERS[count];
        *how = NUMBER_DONE;
        return at;
    }
    bool negative = *start == '-';
    if (rarely(negative)) digits = eight_bytes(++at);
    count = digits_in(&digits);
    /* A zero stands alone in front of a point. */
    if (rarely(count == 0 || count == 8 || (count > 1 && *at == '0'))) return long_number(start, number, how);
    uint64_t significand = number_in(digits, count);
    double found;
    at += count;
    if (*at == '.') {
        digits = eight_bytes(at + 1);
        count = digits_in(&digits);
        if (rarely(count == 0 || count == 8)) return long_number(start, number, how);
        found = (double)(int64_t)(significand * WHOLE_POWERS[count] + number_in(digits, count));
        if (FLT_EVAL_METHOD != 0) return long_number(start, number, how);
        found /= POWERS[count];
        at += count + 1;
    } else {
        found = (double)(int64_t)significand;
    }
    if (rarely((*at | 0x20) == 'e')) return long_number(start, number, how);
    *number = negative ? -found : found;
    *how = NUMBER_DONE;
    return at;
}

/* ── What nobody reads ───────────────────────────────────────────────────────────────────────── */

static inline const uint8_t *behind_space(const uint8_t *at) {
    if (rarely(*at <= ' '))
        while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') at += 1;
    return at;
}

static inline bool spells(const uint8_t *at, const char *four) { return !memcmp(at, four, 4); }

/* Behind the colon after a key that nobody reads and that begins here. */
static inline const uint8_t *note_key(Scan *scan, const uint8_t *key) {
    int escaped = 0;
    const uint8_t *at = text_end(key, &escaped);
    if (at == NULL || escaped || scan->pending_count == MOST_PENDING) return NULL;
    scan->pending[scan->pending_count++] = mark_of(key, (size_t)(at - key));
    at = behind_space(at + 1);
    return *at == ':' ? behind_space(at + 1) : NULL;
}

/* Behind a value that begins here; NULL if it is none, or has a key twice. */
static const uint8_t *skip_value(Scan *scan, const uint8_t *at, int level) {
    int escaped;
    double number;
    int how;
    switch (*at) {
        case '"':
            at = text_end(at + 1, &escaped);
            return at == NULL ? NULL : at + 1;
        case 't':
            return spells(at, "true") ? at + 4 : NULL;
        case 'f':
            return spells(at + 1, "alse") ? at + 5 : NULL;
        case 'n':
            return spells(at, "null") ? at + 4 : NULL;
        case '[':
            if (level == MOST_LEVELS) return NULL;
            at = behind_space(at + 1);
            if (*at == ']') return at + 1;
            for (;;) {
                at = skip_value(scan, at, level + 1);
                if (at == NULL) return NULL;
                at = behind_space(at);
                if (*at == ']') return at + 1;
                if (*at != ',') return NULL;
                at = behind_space(at + 1);
            }
        case '{': {
            if (level == MOST_LEVELS) return NULL;
            size_t first = scan->pending_count;
            at = behind_space(at + 1);
            if (*at == '}') return at + 1;
            for (;;) {
                if (*at != '"') return NULL;
                at = note_key(scan, at + 1);
                if (at == NULL) return NULL;
                at = skip_value(scan, at, level + 1);
                if (at == NULL) return NULL;
                at = behind_space(at);
                if (*at == '}') break;
                if (*at != ',') return NULL;
                at = behind_space(at + 1);
            }
            if (repeated(scan->pending + first, scan->pending_count - first)) return NULL;
            scan->pending_count = first;
            return at + 1;
        }
        default:
            return read_number(at, &number, &how);
    }
}

/* ── What the slots read ─────────────────────────────────────────────────────────────────────── */

static inline const uint8_t *leave(
    Scan *scan, const Key *key, int kind, const uint8_t *start, const uint8_t *end, size_t quotes
) {
    Left *left = &scan->left[scan->left_count++];
    left->slot = key->slot;
    left->kind = kind;
    left->start = (size_t)(start - scan->text);
    left->end = (size_t)(end - scan->text);
    return end + quotes;
}

static inline const uint8_t *leave_text(Scan *scan, const Key *key, const uint8_t *start) {
    int escaped = 0;
    const uint8_t *end = text_end(start, &escaped);
    return end == NULL ? NULL : leave(scan, key, escaped ? LEFT_ESCAPED : LEFT_TEXT, start, end, 1);
}

static inline void store(Scan *scan, const Key *key, double number) {
    /* The sum takes the sign from a zero. */
    scan->number[key->slot] = number + 0.0;
    scan->state[key->slot] = VALUE_PRESENT;
}

/* Behind the object `{"$failed": "reason"}`; NULL for every other one. */
static const uint8_t *failure(const uint8_t *at) {
    int escaped;
    at = behind_space(at + 1);
    if (memcmp(at, "\"$failed\"", 9)) return NULL;
    at = behind_space(at + 9);
    if (*at != ':') return NULL;
    at = behind_space(at + 1);
    if (*at != '"') return NULL;
    at = text_end(at + 1, &escaped);
    if (at == NULL) return NULL;
    at = behind_space(at + 1);
    return *at == '}' ? at + 1 : NULL;
}

static const uint8_t *read_list(Scan *scan, const uint8_t *at, const Key *key) {
    const uint8_t *start = at;
    uint64_t *words = scan->words + key->first_word;
    bool strange = false;
    int escaped = 0;
    int count = 0;
    memset(words, 0, (size_t)key->word_count * sizeof(uint64_t));
    at = behind_space(at + 1);
    if (*at == ']') {
        at += 1;
    } else {
        for (;;) {
            if (*at != '"') return NULL;
            at += 1;
            size_t size;
            int64_t symbol = number_of(&key->symbols, at, &size);
            if (mostly(symbol >= 0)) {
                uint64_t bit = (uint64_t)1 << (symbol & 63);
                count += !(words[symbol >> 6] & bit);
                words[symbol >> 6] |= bit;
                at += size;
            } else {
                strange = true;
                at = text_end(at, &escaped);
                if (at == NULL) return NULL;
            }
            at = behind_space(at + 1);
            if (*at == ']') break;
            if (*at != ',') return NULL;
            at = behind_space(at + 1);
        }
        at += 1;
    }
    if (strange) return leave(scan, key, LEFT_LIST, start, at, 0);
    store(scan, key, count);
    return at;
}

/* Behind the value of a slot, which begins here and has its usual form, or another sound one. */
static inline const uint8_t *read_usual(Scan *scan, const uint8_t *at, const Key *key) {
    double number;
    int how;
    const uint8_t *end;
    switch (key->form) {
        case READ_INTEGER:
        case READ_NUMBER:
        case READ_SHARE:
        case READ_DURATION:
            if (rarely((unsigned)(*at - '-') > '9' - '-')) break;
            end = read_number(at, &number, &how);
            if (rarely(end == NULL)) return NULL;
            if (rarely(how != NUMBER_DONE)) {
                /* Longer ones are beyond any float, and take quadratic time to read. */
                if (how == NUMBER_WHOLE && end - at > MOST_DIGITS) return NULL;
                return leave(scan, key, how == NUMBER_WHOLE ? LEFT_WHOLE : LEFT_REAL, at, end, 0);
            }
            if (key->form == READ_SHARE) {
                if (!(number >= 0 && number <= 1)) return NULL;
            } else if (key->form == READ_INTEGER) {
                if (floor(number) != number || fabs(number) > LARGEST) return NULL;
            } else if (key->form == READ_DURATION) {
                number = rint(number * 1000000);
                if (!(fabs(number) <= LARGEST)) return NULL;
            }
            store(scan, key, number);
            return end;
        case READ_BOOL: {
            bool yes = spells(at, "true"), no = spells(at + 1, "alse") && *at == 'f';
            if (rarely(!(yes | no))) break;
            store(scan, key, yes);
            return at + 5 - yes;
        }
        case READ_NAME: {
            if (rarely(*at != '"')) break;
            size_t size;
            int64_t symbol = number_of(&key->symbols, at + 1, &size);
            if (rarely(symbol < 0)) return leave_text(scan, key, at + 1);
            scan->code[key->slot] = (int32_t)symbol + 1;
            scan->state[key->slot] = VALUE_PRESENT;
            return at + size + 2;
        }
        case READ_STRING:
            if (rarely(*at != '"')) break;
            return leave_text(scan, key, at + 1);
        case READ_INSTANT:
            if (rarely(*at != '"')) break;
            end = usual_instant(at + 1, &number);
            if (rarely(end == NULL || *end != '"')) return leave_text(scan, key, at + 1);
            store(scan, key, number);
            return end + 1;
        case READ_DATE:
            if (rarely(*at != '"')) break;
            if (rarely(!usual_day(at + 1, &number) || at[11] != '"')) return leave_text(scan, key, at + 1);
            store(scan, key, number);
            return at + 12;
        default:
            if (rarely(*at != '[')) break;
            return read_list(scan, at, key);
    }
    if (*at == 'n') return spells(at, "null") ? at + 4 : NULL;
    if (*at == '{') {
        at = failure(at);
        if (at != NULL) scan->state[key->slot] = VALUE_FAILED;
        return at;
    }
    /* A duration may be a text. */
    if (*at == '"' && key->form == READ_DURATION) return leave_text(scan, key, at + 1);
    return NULL;
}

/* Behind the history that begins here with its key; NULL for other keys, which are reserved. */
static const uint8_t *read_reserved(Scan *scan, const uint8_t *at, int level) {
    if (memcmp(at, "$history\"", 9) || scan->history_end) return NULL;
    at = behind_space(at + 9);
    if (*at != ':') return NULL;
    at = behind_space(at + 1);
    scan->history_start = (size_t)(at - scan->text);
    at = skip_value(scan, at, level);
    if (at != NULL) scan->history_end = (size_t)(at - scan->text);
    return at;
}

/* Let every slot of a group and of those below it have failed. */
static inline void fail(Scan *scan, const Group *group) {
    for (int32_t index = group->first_key; index < group->end_key; index += 1) {
        const Key *key = &scan->schema->keys[index];
        if (key->form != READ_GROUP) scan->state[key->slot] = VALUE_FAILED;
    }
}

/* Behind an object whose keys are read. */
static const uint8_t *read_group(Scan *scan, const uint8_t *open, int32_t number, int level) {
    const Key *keys = scan->schema->keys;
    const Group *group = &scan->schema->groups[number];
    int32_t *guess = &scan->guess[scan->schema->key_count + number];
    size_t first = scan->pending_count;
    const uint8_t *at = behind_space(open + 1);
    if (level > MOST_LEVELS) return NULL;
    if (rarely(*at == '}')) return at + 1;
    for (;;) {
        int64_t index = *guess;
        const Key *key = &keys[index];
        if (mostly(fits(key, at))) {
            at += key->size;
        } else {
            if (*at != '"') return NULL;
            at += 1;
            size_t size;
            index = number_of(&group->names, at, &size);
            if (index < 0) {
                if (*at == '$' && number != 0) {
                    at = failure(open);
                    if (at != NULL) fail(scan, group);
                    return at;
                }
                if (*at == '$') {
                    at = read_reserved(scan, at, level);
                } else {
                    at = note_key(scan, at);
                    if (at != NULL) at = skip_value(scan, at, level);
                }
                if (at == NULL) return NULL;
                goto next;
            }
            *guess = (int32_t)index;
            key = &keys[index];
            at = behind_space(at + size + 1);
            if (*at != ':') return NULL;
            at += 1;
        }
        if (rarely(scan->seen[index])) return NULL;
        scan->seen[index] = 1;
        guess = &scan->guess[index];
        at = behind_space(at);
        if (key->form != READ_GROUP) {
            at = read_usual(scan, at, key);
        } else if (mostly(*at == '{')) {
            at = read_group(scan, at, key->group, level + 1);
        } else {
            at = spells(at, "null") ? at + 4 : NULL;
        }
        if (rarely(at == NULL)) return NULL;
    next:
        if (rarely(*at != ',')) {
            at = behind_space(at);
            if (*at == '}') break;
            if (*at != ',') return NULL;
        }
        at = behind_space(at + 1);
    }
    if (scan->pending_count > first) {
        if (repeated(scan->pending + first, scan->pending_count - first)) return NULL;
        scan->pending_count = first;
    }
    return at + 1;
}

/* Read an event of so many bytes; false if it is irregular. */
static inline bool read_event(Scan *scan, size_t size) {
    const uint8_t *at = behind_space(scan->text);
    memset(scan->seen, 0, (size_t)scan->schema->key_count);
    scan->left_count = scan->pending_count = 0;
    scan->history_start = scan->history_end = 0;
    if (*at != '{') return false;
    at = read_group(scan, at, 0, 1);
    return at != NULL && behind_space(at) == scan->text + size;
}

/* ── What is left to Python ──────────────────────────────────────────────────────────────────── */

/* The text that a sound one with escapes means, in UTF-8 where halves of pairs are let through; it
 * is never longer. Its size. */
static inline size_t unescape(const uint8_t *at, const uint8_t *end, uint8_t *to) {
    static const uint8_t plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint8_t *start = to;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        if (at[1] != 'u') {
            *to++ = meant[(const uint8_t *)strchr((const char *)plain, at[1]) - plain];
            at += 2;
            continue;
        }
        uint32_t point = (uint32_t)code_unit(at + 2);
        at += 6;
        if (point >= 0xD800 && point < 0xDC00 && end - at >= 6 && *at == '\\' && at[1] == 'u') {
            uint32_t second = (uint32_t)code_unit(at + 2);
            if (second >= 0xDC00 && second < 0xE000) {
                point = 0x10000 + ((point - 0xD800) << 10) + (second - 0xDC00);
                at += 6;
            }
        }
        if (point < 0x80) {
            *to++ = (uint8_t)point;
        } else if (point < 0x800) {
            *to++ = (uint8_t)(0xC0 | point >> 6);
            *to++ = (uint8_t)(0x80 | (point & 63));
        } else if (point < 0x10000) {
            *to++ = (uint8_t)(0xE0 | point >> 12);
            *to++ = (uint8_t)(0x80 | (point >> 6 & 63));
            *to++ = (uint8_t)(0x80 | (point & 63));
        } else {
            *to++ = (uint8_t)(0xF0 | point >> 18);
            *to++ = (uint8_t)(0x80 | (point >> 12 & 63));
            *to++ = (uint8_t)(0x80 | (point >> 6 & 63));
            *to++ = (uint8_t)(0x80 | (point & 63));
        }
    }
    return (size_t)(to - start);
}

#endif
