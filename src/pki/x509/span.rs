//! A length of time in the words of users.

use crate::pki::PkiError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A length of time: `30d`, `48h`, or a number of days. Kept in whole hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    hours: i64,
}

/// Certificates end before the year 10000, which a hundred years keep clear of.
const LONGEST_HOURS: i64 = 100 * 366 * 24;

impl Span {
    /// So many hours.
    ///
    /// # Errors
    /// Fewer than one, or more than a hundred years.
    pub fn hours(hours: i64) -> Result<Self, PkiError> {
        match hours {
            1..=LONGEST_HOURS => Ok(Self { hours }),
            _ => Err(PkiError::invalid(format!("a time of {hours} hours is not between an hour and 100 years"))),
        }
    }

    /// So many days.
    ///
    /// # Errors
    /// Fewer than one, or more than a hundred years.
    pub fn days(days: i64) -> Result<Self, PkiError> {
        match days.checked_mul(24) {
            Some(hours @ 1..=LONGEST_HOURS) => Ok(Self { hours }),
            _ => Err(PkiError::invalid(format!("a time of {days} days is not between a day and 100 years"))),
        }
    }

    /// In hours.
    pub fn in_hours(self) -> i64 {
        self.hours
    }

    /// In seconds.
    pub fn in_secs(self) -> i64 {
        self.hours * 3600
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hours % 24 {
            0 => write!(f, "{}d", self.hours / 24),
            _ => write!(f, "{}h", self.hours),
        }
    }
}

impl FromStr for Span {
    type Err = PkiError;

    fn from_str(text: &str) -> Result<Self, PkiError> {
        let text = text.trim();
        let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
            Some(at) => text.split_at(at),
            None => (text, "d"),
        };
        let wrong = || PkiError::invalid_hint(format!("`{text}` is no length of time"), "write `30d`, `48h` or `2y`");
        let number: i64 = number.parse().map_err(|_| wrong())?;
        match unit {
            "h" => Self::hours(number),
            "d" => Self::days(number),
            "w" => Self::days(number.saturating_mul(7)),
            "y" => Self::days(number.saturating_mul(365)),
            _ => Err(wrong()),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Days(i64),
            Text(String),
        }
        let read = match Form::deserialize(deserializer)? {
            Form::Days(days) => Self::days(days),
            Form::Text(text) => text.parse(),
        };
        read.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_shown() {
        for (text, shown) in
            [("30d", "30d"), ("48h", "2d"), ("36h", "36h"), ("7", "7d"), ("2w", "14d"), ("8y", "2920d")]
        {
            assert_eq!(text.parse::<Span>().expect(text).to_string(), shown);
        }
        for wrong in ["", "d", "-1d", "0d", "0", "10x", "1.5d", "99999999999999999999d", "101y", "3 d d"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong:?}");
        }
    }
}
