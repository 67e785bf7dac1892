/*
 * Dates of the Gregorian calendar, before and after 1970, as counts of days
 * and of months. No zone and no clock: a day here has a number, not a moment.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdint.h>

enum { DATE_DAY_S = 86400 };

/* A / B and the rest, rounded down where A is negative. */
int64_t date_floor_div(int64_t a, int64_t b);
/* Days since 1970-01-01; MONTH 1 to 12, DAY from 1. */
int64_t date_days(int64_t year, int64_t month, int64_t day);
/* Months since the year 0 of the month that day DAYS is in. */
int64_t date_months(int64_t days);
/* The number of the first day of such a month. */
int64_t date_month_begins(int64_t months);
int64_t date_year(int64_t days);

#endif
