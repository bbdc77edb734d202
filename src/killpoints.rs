//! Named places around every durable step where a crash test lets the process die, and where it hears which commits were answered for.
//!
//! Without the cargo feature `killpoints`, which no released program has, nothing here does anything.

#[cfg(feature = "killpoints")]
mod armed;

#[cfg(feature = "killpoints")]
pub use armed::{POINTS, arm, hear, shrink};

/// Dies here, by SIGKILL, if a crash test wants this place and this hit of it.
#[cfg_attr(
    not(feature = "killpoints"),
    expect(unused_variables, reason = "nothing is armed without the feature")
)]
#[inline]
pub fn killpoint(name: &'static str) {
    #[cfg(feature = "killpoints")]
    armed::reached(name);
}

/// Tells a crash test of a commit that the store has answered: from here on it must never be missing.
#[cfg_attr(
    not(feature = "killpoints"),
    expect(unused_variables, reason = "nobody listens without the feature")
)]
#[inline]
pub fn answered(commit: impl FnOnce() -> String) {
    #[cfg(feature = "killpoints")]
    armed::told(commit);
}

/// How many sayings go into one commit; a crash test makes it few, so that documents have many commits to die between.
#[cfg(not(feature = "killpoints"))]
#[inline]
pub(crate) const fn chunk(usual: usize) -> usize {
    usual
}

#[cfg(feature = "killpoints")]
pub(crate) use armed::chunk;
