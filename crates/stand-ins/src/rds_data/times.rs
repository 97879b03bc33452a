//! PostgreSQL's binary dates and times in the text form of the Data API: `YYYY-MM-DD HH:MM:SS[.FFFFFF]`, always UTC and
//! without naming the zone.

use time::{Date, Duration, PrimitiveDateTime, Time};

/// Julian day of 2000-01-01, from which PostgreSQL counts.
const EPOCH: i32 = 2_451_545;

/// A date from the days since 2000-01-01; `None` beyond the years of four digits.
pub(super) fn date(days: i32) -> Option<String> {
    match days {
        i32::MAX => Some("infinity".into()),
        i32::MIN => Some("-infinity".into()),
        _ => format_date(Date::from_julian_day(days.checked_add(EPOCH)?).ok()?),
    }
}

/// A time of day from the microseconds since midnight.
pub(super) fn time(microseconds: i64) -> Option<String> {
    // The end of the day is a value of its own.
    if microseconds == 86_400_000_000 {
        return Some("24:00:00".into());
    }
    let midnight = PrimitiveDateTime::new(Date::from_julian_day(EPOCH).ok()?, Time::MIDNIGHT);
    Some(format_time(midnight.checked_add(Duration::microseconds(microseconds))?.time()))
}

/// A point in time from the microseconds since 2000-01-01 00:00:00 UTC.
pub(super) fn timestamp(microseconds: i64) -> Option<String> {
    match microseconds {
        i64::MAX => return Some("infinity".into()),
        i64::MIN => return Some("-infinity".into()),
        _ => {}
    }
    let epoch = PrimitiveDateTime::new(Date::from_julian_day(EPOCH).ok()?, Time::MIDNIGHT);
    let at = epoch.checked_add(Duration::microseconds(microseconds))?;
    Some(format!("{} {}", format_date(at.date())?, format_time(at.time())))
}

fn format_date(date: Date) -> Option<String> {
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    (year > 0).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn format_time(time: Time) -> String {
    let (hour, minute, second, microsecond) = time.as_hms_micro();
    let whole = format!("{hour:02}:{minute:02}:{second:02}");
    if microsecond == 0 {
        return whole;
    }
    format!("{whole}.{}", format!("{microsecond:06}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_from_the_year_2000() {
        assert_eq!(date(0).as_deref(), Some("2000-01-01"));
        assert_eq!(date(-1).as_deref(), Some("1999-12-31"));
        assert_eq!(date(i32::MAX).as_deref(), Some("infinity"));
        assert_eq!(date(i32::MAX - 1), None);
    }

    #[test]
    fn fractions_are_as_short_as_they_can_be() {
        assert_eq!(timestamp(0).as_deref(), Some("2000-01-01 00:00:00"));
        assert_eq!(timestamp(-1).as_deref(), Some("1999-12-31 23:59:59.999999"));
        assert_eq!(time(36_000_120_000).as_deref(), Some("10:00:00.12"));
        assert_eq!(time(86_400_000_000).as_deref(), Some("24:00:00"));
    }
}
