//! Chance that repeats: every draw is a function of the seed, the site that asks and how often it asked, so that leaving one fault out does not
//! throw the dice of all the others anew.

/// The dice of one world.
#[derive(Clone, Copy, Debug)]
pub struct Chance(u64);

/// A handful of numbers for one decision.
#[derive(Clone, Copy, Debug)]
pub struct Draw(u64);

impl Chance {
    /// The dice that a seed gives.
    pub const fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x5761_6765_6761_7465))
    }

    /// The numbers of the `count`th decision at a site.
    pub const fn at(self, site: u64, count: u64) -> Draw {
        Draw(mix(self.0
            ^ mix(site.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            ^ mix(count ^ 0xd1b5_4a32)))
    }
}

impl Draw {
    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`; nought where there is none.
    pub const fn below(&mut self, bound: u64) -> u64 {
        match bound {
            0 => 0,
            bound => self.number() % bound,
        }
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let width = u64::try_from(most - least + 1).unwrap_or(1);
        least + i64::try_from(self.below(width)).unwrap_or(0)
    }

    /// True so often out of a thousand.
    pub const fn hits(&mut self, permille: u64) -> bool {
        self.below(1_000) < permille
    }

    /// A place in something of this length.
    pub fn index(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }
}

/// The finaliser of SplitMix64.
const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_differ_by_seed_site_and_count() {
        let drawn = |seed, site, count| Chance::new(seed).at(site, count).number();
        assert_eq!(drawn(1, 2, 3), drawn(1, 2, 3));
        for other in [drawn(2, 2, 3), drawn(1, 3, 3), drawn(1, 2, 4)] {
            assert_ne!(drawn(1, 2, 3), other);
        }
    }

    #[test]
    fn a_share_is_about_what_was_asked() {
        let hits = (0..10_000).filter(|n| Chance::new(7).at(1, *n).hits(250));
        assert!((2_300..2_700).contains(&hits.count()));
    }
}
