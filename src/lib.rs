//! The gateway: the only crate that acts. Who may do what is `security`, what must not be forgotten is `store`, what a bank hears is
//! `dispatch`, what it said is `reconcile`; `ARCHITECTURE.md` has the map.

pub mod clock;
pub mod evidence;
pub mod http;
pub mod security;
pub mod store;
pub mod transport;
