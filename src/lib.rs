//! Wagegate.
