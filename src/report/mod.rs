//! What supervisors read: the payment rate (工资代发率) of a pay month. Figures come from the sums kept with the facts; nothing is counted
//! here but the total line, which is the sum of the lines above it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use wagegate_domain::{Fen, PayMonth, ids::Region, indicator, indicator::Tally, outcome::Place};

use crate::store::{Level, RateLine, RegionEntry, Store, StoreError};

/// A month's rates at one level.
#[derive(Debug)]
pub struct Rates {
    /// The pay month.
    pub month: PayMonth,
    /// The figures are those of this moment.
    pub as_of: Timestamp,
    /// The formula, with its version.
    pub definition: &'static str,
    /// Lines in the order of their codes; at prefecture level also those without a batch.
    pub lines: Vec<RateLine>,
    /// Their sum; its region means nothing.
    pub total: Total,
}

/// The line under all lines.
#[derive(Debug, Default)]
pub struct Total {
    /// Projects with a released batch in the month.
    pub projects: u64,
    /// Sum of the bases; `None` where no line has one.
    pub base_projects: Option<u32>,
    /// Count and sum of wages that await review or release.
    pub awaiting: (u64, Fen),
    /// Released wage items by place.
    pub tally: Tally,
}

/// The rates of a month, of the lines that the reader sees.
///
/// # Errors
/// The store failed, or its figures exceed 64 bits, which no true figures do.
pub async fn rates(
    store: &dyn Store,
    month: PayMonth,
    level: Level,
    as_of: Timestamp,
    sees: impl Fn(&RateLine) -> bool,
) -> Result<Rates, StoreError> {
    let mut lines = store.rates(month, level).await?;
    match level {
        Level::Prefecture => with_silent_prefectures(&mut lines, store.regions().await?),
        // The bases that exist are those of prefectures: a county's or project's line has none of its own to be measured against.
        Level::County | Level::Project => {
            lines.iter_mut().for_each(|line| line.base_projects = None);
        }
    }
    lines.retain(sees);
    let total = total(&lines)
        .ok_or_else(|| StoreError::Broken(format!("the rates of {month} exceed 64 bits")))?;
    Ok(Rates {
        month,
        as_of,
        definition: indicator::DEFINITION,
        lines,
        total,
    })
}

/// A prefecture that sent nothing is a figure too: nought of its base.
fn with_silent_prefectures(lines: &mut Vec<RateLine>, regions: Vec<RegionEntry>) {
    let heard: BTreeSet<Region> = lines.iter().map(|line| line.region).collect();
    let silent = regions.into_iter().filter(|RegionEntry { code, .. }| {
        *code == code.prefecture() && *code != code.province() && !heard.contains(code)
    });
    lines.extend(silent.map(
        |RegionEntry {
             code,
             name,
             base_projects,
         }| RateLine {
            code: code.to_string(),
            name,
            region: code,
            projects: 0,
            base_projects,
            awaiting: (0, Fen::ZERO),
            tally: Tally::default(),
        },
    ));
    lines.sort_by(|one, other| one.code.cmp(&other.code));
}

/// A base belongs to a prefecture and stands on each of its lines: it counts once.
fn total(lines: &[RateLine]) -> Option<Total> {
    let mut total = Total::default();
    let bases: BTreeMap<Region, u32> = lines
        .iter()
        .filter_map(|line| Some((line.region.prefecture(), line.base_projects?)))
        .collect();
    for base in bases.into_values() {
        total.base_projects = Some(total.base_projects.unwrap_or(0).checked_add(base)?);
    }
    for line in lines {
        total.projects = total.projects.checked_add(line.projects)?;
        let (count, fen) = line.awaiting;
        let (counts, sum) = total.awaiting;
        total.awaiting = (counts.checked_add(count)?, sum.checked_add(fen)?);
        for place in Place::ALL {
            let (count, fen) = line.tally.at(place);
            total.tally.add(place, count, fen)?;
        }
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(code: &str, base_projects: Option<u32>, figures: &[(Place, u64, i64)]) -> RateLine {
        let mut tally = Tally::default();
        for (place, count, fen) in figures {
            tally.add(*place, *count, Fen::new(*fen)).unwrap();
        }
        RateLine {
            code: code.into(),
            name: code.into(),
            region: Region::parse(code).unwrap(),
            projects: u64::from(!figures.is_empty()),
            base_projects,
            awaiting: (2, Fen::new(20)),
            tally,
        }
    }

    #[test]
    fn the_total_is_the_sum_of_the_lines_also_of_empty_ones() {
        let lines = [
            line(
                "530100",
                Some(10),
                &[(Place::Paid, 3, 300), (Place::Failed, 1, 100)],
            ),
            line("530300", None, &[(Place::Paid, 1, 100)]),
            line("530900", Some(5), &[]),
        ];
        let total = total(&lines).unwrap();
        assert_eq!((total.projects, total.base_projects), (2, Some(15)));
        assert_eq!(total.tally.all(), Some((5, Fen::new(500))));
        assert_eq!(total.awaiting, (6, Fen::new(60)));
        assert_eq!(
            total.tally.rate_by_count().map(|rate| rate.to_string()),
            Some("80.00".into())
        );
    }

    #[test]
    fn a_base_counts_once_however_many_lines_its_prefecture_has() {
        let lines = [
            line("530102", Some(10), &[(Place::Paid, 1, 1)]),
            line("530103", Some(10), &[(Place::Paid, 1, 1)]),
        ];
        assert_eq!(total(&lines).unwrap().base_projects, Some(10));
    }

    #[test]
    fn prefectures_that_sent_nothing_stand_between_the_others() {
        let region = |code: &str| RegionEntry {
            code: Region::parse(code).unwrap(),
            name: code.into(),
            base_projects: Some(7),
        };
        let mut lines = vec![line("530300", Some(7), &[(Place::Paid, 1, 1)])];
        with_silent_prefectures(
            &mut lines,
            ["530000", "530100", "530300", "530302", "530900"]
                .map(region)
                .into(),
        );
        let found: Vec<_> = lines
            .iter()
            .map(|line| (line.code.as_str(), line.projects))
            .collect();
        assert_eq!(found, [("530100", 0), ("530300", 1), ("530900", 0)]);
    }

    #[test]
    fn figures_past_64_bits_are_no_figures() {
        let most = line("530100", None, &[(Place::Paid, 1, i64::MAX)]);
        assert!(total(&[most.clone(), most]).is_none());
    }
}
