/* The usual forms of times: each accepts a part of what `convert` in values.py accepts, with the
 * same result, and leaves the rest to it. They read single bytes and whole words; what they mean
 * does not depend on the byte order, nor on the instruction set. */
#ifndef CLAUSAL_USUAL_H
#define CLAUSAL_USUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IN_EACH_BYTE(byte) (0x0101010101010101u * (uint64_t)(byte))

/* Eight bytes as a number whose lowest byte is the first one. */
static inline uint64_t eight_bytes(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Of `2024-05-` and the like: each byte less its pattern's byte, if that is 0 to 9 where `digits`
 * has a byte of 0x76, and 0 where it has one of 0x7F; any result with a high bit otherwise. */
static inline uint64_t by_pattern(uint64_t word, uint64_t pattern, uint64_t digits, bool *fits) {
    uint64_t rest = word ^ pattern;
    *fits = !(((rest + digits) | rest) & IN_EACH_BYTE(0x80));
    return rest;
}

/* In microseconds since 1970, as `clausal.engine.values` has them. */
#define FIRST_INSTANT (-8993635200000000)
#define LAST_INSTANT 8993721599999999

#define A_DAY_START 0x2D30302D30303030u  /* 0000-00- */
#define A_DAY_START_DIGITS 0x7F76767F76767676u

/* Days since 1970-01-01 of a day of the calendar, years from 1 on; false for what is none. */
static inline bool day_number(unsigned year, unsigned month, unsigned day, int64_t *days) {
    static const uint8_t lengths[16] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0};
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month] + (unsigned)(leap && month == 2)) return false;
    /* Years that begin in March have their leap day last; months follow each other in a pattern of
     * 153 days in five. 0000-03-01 is 719,468 days before 1970-01-01. */
    year -= month <= 2;
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    *days = (int64_t)(year * 365 + year / 4 - year / 100 + year / 400 + of_year) - 719468;
    return true;
}

static inline bool two_digits(const uint8_t *at, unsigned *number) {
    unsigned tens = at[0] - (unsigned)'0', ones;
    if (tens > 9 || (ones = at[1] - (unsigned)'0') > 9) return false;
    *number = tens * 10 + ones;
    return true;
}

/* The days since 1970-01-01 of `2024-04-23`; of the ten bytes, all may be read. */
static inline bool usual_day(const uint8_t *at, double *days) {
    bool fits;
    unsigned day;
    int64_t number;
    uint64_t start = by_pattern(eight_bytes(at), A_DAY_START, A_DAY_START_DIGITS, &fits);
    if (!fits || !two_digits(at + 8, &day)) return false;
    uint64_t pairs = start * 10 + (start >> 8);
    unsigned year = (unsigned)(pairs & 0xFF) * 100 + (unsigned)(pairs >> 16 & 0xFF);
    if (!day_number(year, (unsigned)(pairs >> 40 & 0xFF), day, &number)) return false;
    *days = (double)number;
    return true;
}

/* The microseconds since 1970 of `2024-05-01T12:00:00.5+08:00`, and where it ends; NULL if there is
 * none in the years 1685 to 2254. Seventeen bytes may be read, and more after digits alone: what
 * follows the text must be some other character. */
static inline const uint8_t *usual_instant(const uint8_t *at, double *microseconds) {
    bool date_fits, time_fits;
    unsigned second = 0, offset_hour = 0, offset_minute = 0;
    int64_t days, fraction = 0, offset = 0, result;
    uint64_t date = by_pattern(eight_bytes(at), A_DAY_START, A_DAY_START_DIGITS, &date_fits);
    /* 00T00:00, where the T is looked at by itself. */
    uint64_t time = eight_bytes(at + 8);
    uint8_t between = (uint8_t)(time >> 16);
    time = by_pattern(time & ~(uint64_t)0xFF0000, 0x30303A3030003030u, 0x76767F76767F7676u, &time_fits);
    if (!date_fits || !time_fits || (between != 'T' && between != 't' && between != ' ')) return NULL;
    date = date * 10 + (date >> 8);
    time = time * 10 + (time >> 8);
    unsigned year = (unsigned)(date & 0xFF) * 100 + (unsigned)(date >> 16 & 0xFF);
    unsigned hour = (unsigned)(time >> 24 & 0xFF), minute = (unsigned)(time >> 48 & 0xFF);
    if (!day_number(year, (unsigned)(date >> 40 & 0xFF), (unsigned)(time & 0xFF), &days)) return NULL;
    at += 16;
    if (*at == ':') {
        if (!two_digits(at + 1, &second)) return NULL;
        at += 3;
        if (*at == '.') {
            /* What is finer than a microsecond is cut off. */
            int64_t unit = 1000000;
            at += 1;
            if (*at < '0' || *at > '9') return NULL;
            for (; *at >= '0' && *at <= '9'; at += 1) {
                unit /= 10;
                fraction += unit * (*at - '0');
            }
        }
    }
    if (hour > 23 || minute > 59 || second > 59) return NULL;
    if (*at == 'Z' || *at == 'z') {
        at += 1;
    } else if (*at == '+' || *at == '-') {
        if (!two_digits(at + 1, &offset_hour) || at[3] != ':' || !two_digits(at + 4, &offset_minute)) return NULL;
        if (offset_hour > 23 || offset_minute > 59) return NULL;
        offset = offset_hour * 60 + offset_minute;
        if (*at == '-') offset = -offset;
        at += 6;
    } else {
        return NULL;
    }
    result = (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1000000 + fraction;
    if (result < FIRST_INSTANT || result > LAST_INSTANT) return NULL;
    *microseconds = (double)result;
    return at;
}

#endif
