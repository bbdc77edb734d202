//! How bytes leave and enter: TLS for both directions and calls to banks. It knows no bank format and decides nothing about money.

pub mod https;
pub mod line;
pub mod tls;
