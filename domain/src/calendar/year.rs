//! One year of the calendar, read from TOML. A year that contradicts itself is refused whole, with the line.

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use super::is_weekend;

/// The longest holiday that a notice ever set had ten days; what is much longer is a slip of the pen.
const LONGEST_DAYS: i32 = 16;

/// The holidays of one year, with the weekend days that make up for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Year {
    /// Which year.
    pub number: i16,
    /// The notice of the State Council's General Office that set it, such as `国办发明电〔2025〕7号`.
    pub notice: String,
    /// In the order of their days.
    pub holidays: Vec<Holiday>,
}

/// One holiday: days on end, the weekend in it included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// As the notice calls it, such as `国庆节`.
    pub name: String,
    /// The same in English.
    pub english: String,
    /// Its first day.
    pub from: Date,
    /// Its last day.
    pub to: Date,
    /// Saturdays and Sundays that are worked because of it.
    pub make_up: Vec<Date>,
}

impl Holiday {
    /// True for each of its days.
    pub fn has(&self, day: Date) -> bool {
        (self.from..=self.to).contains(&day)
    }
}

/// The text is no year of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct NotAYear {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    year: Spanned<i16>,
    notice: Spanned<String>,
    #[serde(rename = "holiday")]
    holidays: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    english: String,
    from: Spanned<String>,
    to: Spanned<String>,
    #[serde(default)]
    make_up: Vec<Spanned<String>>,
}

/// What is wrong, with the place in the text where it stands.
type Flaw = (usize, String);

impl Year {
    /// Reads a year and holds it against itself.
    ///
    /// # Errors
    /// The first line that cannot be meant.
    pub fn read(text: &str) -> Result<Self, NotAYear> {
        let at = |place: usize| {
            text.get(..place)
                .map_or(1, |before| before.split('\n').count())
        };
        let read = toml::from_str::<File>(text)
            .map_err(|error| {
                let place = error.span().map_or(0, |span| span.start);
                (place, error.message().to_owned())
            })
            .and_then(|file| Self::of(&file));
        read.map_err(|(place, why)| NotAYear {
            line: at(place),
            why,
        })
    }

    fn of(file: &File) -> Result<Self, Flaw> {
        let number = *file.year.as_ref();
        refuse_if(
            !(2000..2200).contains(&number),
            &file.year,
            "a year lies between 2000 and 2199",
        )?;
        refuse_if(
            file.notice.as_ref().trim().is_empty(),
            &file.notice,
            "name the notice that sets these days, such as 国办发明电〔2025〕7号",
        )?;
        let mut year = Self {
            number,
            notice: file.notice.as_ref().clone(),
            holidays: Vec::new(),
        };
        for entry in &file.holidays {
            let holiday = year.holiday(entry)?;
            year.holidays.push(holiday);
        }
        year.work_on_no_holiday(&file.holidays)?;
        Ok(year)
    }

    fn holiday(&self, entry: &Entry) -> Result<Holiday, Flaw> {
        let (from, to) = (self.day(&entry.from)?, self.day(&entry.to)?);
        refuse_if(
            to < from,
            &entry.to,
            "a holiday ends on or after its first day",
        )?;
        let days = (to - from).get_days() + 1;
        refuse_if(
            days > LONGEST_DAYS,
            &entry.to,
            &format!("a holiday of {days} days cannot be meant"),
        )?;
        let before = self.holidays.last();
        refuse_if(
            before.is_some_and(|before| from <= before.to),
            &entry.from,
            "holidays stand in the order of their days and do not overlap",
        )?;
        let mut make_up = Vec::new();
        for place in &entry.make_up {
            let day = self.day(place)?;
            refuse_if(
                !is_weekend(day),
                place,
                &format!(
                    "{day} is no Saturday or Sunday: only those are worked to make up for a holiday"
                ),
            )?;
            let earlier = self.holidays.iter().flat_map(|holiday| &holiday.make_up);
            let twice = earlier.chain(&make_up).any(|other| *other == day);
            refuse_if(twice, place, &format!("{day} stands here a second time"))?;
            make_up.push(day);
        }
        Ok(Holiday {
            name: entry.name.clone(),
            english: entry.english.clone(),
            from,
            to,
            make_up,
        })
    }

    /// A day of this year, written as `2026-10-01`.
    fn day(&self, place: &Spanned<String>) -> Result<Date, Flaw> {
        let text = place.as_ref();
        let day = text.parse::<Date>().ok();
        let Some(day) = day.filter(|day| day.to_string() == *text) else {
            return Err((
                place.span().start,
                format!("{text} is no day: write it as {}-10-01", self.number),
            ));
        };
        refuse_if(
            day.year() != self.number,
            place,
            &format!(
                "{day} is not in {}: each year has its own file",
                self.number
            ),
        )?;
        Ok(day)
    }

    fn work_on_no_holiday(&self, entries: &[Entry]) -> Result<(), Flaw> {
        for place in entries.iter().flat_map(|entry| &entry.make_up) {
            let day = self.day(place)?;
            let holiday = self.holidays.iter().find(|holiday| holiday.has(day));
            if let Some(holiday) = holiday {
                let why = format!(
                    "{day} is a day of {} and cannot be worked too",
                    holiday.name
                );
                return Err((place.span().start, why));
            }
        }
        Ok(())
    }
}

fn refuse_if<T>(wrong: bool, place: &Spanned<T>, why: &str) -> Result<(), Flaw> {
    if wrong {
        Err((place.span().start, why.to_owned()))
    } else {
        Ok(())
    }
}
