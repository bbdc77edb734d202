//! Administrative divisions (行政区划代码), GB/T 2260: two digits province, two prefecture, two county. A reporting unit that has no such code,
//! such as an industrial park, gets one of ours: the four digits of its prefecture, a capital letter and a digit.

use std::fmt;

/// A region's code of six characters; `530000` is a province, `530900` a prefecture, `530902` a county, `5309A1` a unit without a code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region([u8; 6]);

/// The text is no region code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a region code has six digits, such as 530902; a unit without one has its prefecture's four digits, a capital letter and a digit, such as 5309A1"
)]
pub struct RegionError;

impl Region {
    /// Takes six digits whose province part is not nought, or four of a prefecture with a letter and a digit; which codes exist is data, not form.
    pub fn parse(text: &str) -> Result<Self, RegionError> {
        let code: [u8; 6] = super::squeezed(text)
            .as_bytes()
            .try_into()
            .map_err(|_| RegionError)?;
        let [head @ .., fifth, last] = &code;
        let digits = head.iter().chain([last]).all(u8::is_ascii_digit);
        let fits = fifth.is_ascii_digit() || (fifth.is_ascii_uppercase() && !head.ends_with(b"00"));
        if digits && fits && head.as_slice() >= b"11".as_slice() {
            Ok(Self(code))
        } else {
            Err(RegionError)
        }
    }

    /// The prefecture that holds it, or itself.
    pub const fn prefecture(self) -> Self {
        let [a, b, c, d, ..] = self.0;
        Self([a, b, c, d, b'0', b'0'])
    }

    /// The province that holds it, or itself.
    pub const fn province(self) -> Self {
        let [a, b, ..] = self.0;
        Self([a, b, b'0', b'0', b'0', b'0'])
    }

    /// True where `self` is `other` or holds it: a prefecture holds its counties.
    pub fn holds(self, other: Self) -> bool {
        self == other || self == other.prefecture() || self == other.province()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|character| write!(f, "{}", char::from(*character)))
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
        for bad in [
            "53090", "5309022", "53090X", "003090", "", "53X0A1", "5300A1", "5309a1", "5309AB",
            "０９",
        ] {
            assert_eq!(Region::parse(bad), Err(RegionError), "{bad}");
        }
    }

    #[test]
    fn a_unit_without_a_code_of_its_own_lies_in_its_prefecture() {
        let [province, prefecture, park, elsewhere] =
            ["530000", "530900", "5309A1", "530300"].map(|c| Region::parse(c).unwrap());
        assert!(province.holds(park) && prefecture.holds(park) && park.holds(park));
        assert!(!elsewhere.holds(park) && !park.holds(prefecture));
        assert_eq!(park.to_string(), "5309A1");
        assert!(park.to_string().starts_with("5309"));
        assert!(Region::parse("530999").unwrap() < park);
    }
}
