//! Dates as `JSON.stringify` writes them.

use alloc::string::String;
use core::fmt::Write;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The last millisecond, and after a sign the first, that a JavaScript date can hold.
const LAST: i64 = 100_000_000 * DAY;

/// Appends the moment so many milliseconds after the start of 1970, UTC, as a JSON string; `null`
/// if no JavaScript date can hold it.
pub(super) fn write_json(out: &mut String, milliseconds: i64) {
    if !(-LAST..=LAST).contains(&milliseconds) {
        return out.push_str("null");
    }
    let (days, time) = (milliseconds.div_euclid(DAY), milliseconds.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (seconds, milliseconds) = (time / 1000, time % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // Writing to a string never fails.
    let _ = match year {
        0..=9999 => write!(out, "\"{year:04}"),
        _ => write!(out, "\"{year:+07}"),
    };
    let _ = write!(
        out,
        "-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}Z\""
    );
}

/// Year, month and day of a day counted from the start of 1970, in the Gregorian calendar.
///
/// Years begin in March here, so that the leap day is the last of its year, and 400 of them are
/// an era, after which everything repeats.
const fn civil(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    // From the first of March of the year 0.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, five months have 153 days, over and over.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_javascript_writes_them() {
        // From `new Date(n).toJSON()`.
        for (milliseconds, json) in [
            (0, r#""1970-01-01T00:00:00.000Z""#),
            (-1, r#""1969-12-31T23:59:59.999Z""#),
            (951_782_400_000, r#""2000-02-29T00:00:00.000Z""#),
            (951_868_800_000, r#""2000-03-01T00:00:00.000Z""#),
            (4_107_542_399_999, r#""2100-02-28T23:59:59.999Z""#),
            (4_107_542_400_000, r#""2100-03-01T00:00:00.000Z""#),
            (1_700_000_000_123, r#""2023-11-14T22:13:20.123Z""#),
            (253_402_300_799_999, r#""9999-12-31T23:59:59.999Z""#),
            (253_402_300_800_000, r#""+010000-01-01T00:00:00.000Z""#),
            (-62_167_219_200_000, r#""0000-01-01T00:00:00.000Z""#),
            (-62_167_219_200_001, r#""-000001-12-31T23:59:59.999Z""#),
            (LAST, r#""+275760-09-13T00:00:00.000Z""#),
            (-LAST, r#""-271821-04-20T00:00:00.000Z""#),
            (LAST + 1, "null"),
            (i64::MIN, "null"),
        ] {
            let mut out = String::new();
            write_json(&mut out, milliseconds);
            assert_eq!(out, json, "{milliseconds}");
        }
    }
}
