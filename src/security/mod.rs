//! Who somebody is, what they may do, and whether their certificate still counts. It opens no connection.

pub mod access;
pub mod mention;
pub mod national;
pub mod principal;
pub mod revocation;
pub mod seal;
pub mod watched;
pub mod webhook;
