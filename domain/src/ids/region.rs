//! Administrative divisions (行政区划代码), GB/T 2260: two digits province, two prefecture, two county.

use std::fmt;

/// A six-digit region code; `530000` is a province, `530900` a prefecture, `530902` a county.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(u32);

/// The text is no region code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a region code has six digits, such as 530902")]
pub struct RegionError;

impl Region {
    /// Takes six digits whose province part is not nought; which codes exist is data, not form.
    pub fn parse(text: &str) -> Result<Self, RegionError> {
        let code = super::squeezed(text);
        if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
            return Err(RegionError);
        }
        match code.parse() {
            Ok(number) if number >= 110_000 => Ok(Self(number)),
            _ => Err(RegionError),
        }
    }

    /// The prefecture that holds it, or itself.
    pub fn prefecture(self) -> Self {
        Self(self.0 / 100 * 100)
    }

    /// The province that holds it, or itself.
    pub fn province(self) -> Self {
        Self(self.0 / 10_000 * 10_000)
    }

    /// True where `self` is `other` or holds it: a prefecture holds its counties.
    pub fn holds(self, other: Self) -> bool {
        self == other || self == other.prefecture() || self == other.province()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_holds_what_lies_in_it() {
        let [province, prefecture, county, elsewhere] =
            ["530000", "530900", "530902", "530302"].map(|c| Region::parse(c).unwrap());
        assert!(province.holds(county) && prefecture.holds(county) && county.holds(county));
        assert!(!county.holds(prefecture) && !prefecture.holds(elsewhere));
        assert_eq!(county.prefecture(), prefecture);
        for bad in ["53090", "5309022", "53090X", "003090", ""] {
            assert_eq!(Region::parse(bad), Err(RegionError), "{bad}");
        }
    }
}
