//! Wagegate.
pub mod clock;
pub mod evidence;
pub mod http;
pub mod security;
pub mod store;
pub mod transport;
