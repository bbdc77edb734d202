//! The gateway's own HTTPS listener: who may connect and who is calling. What the routes do lives with each route.

pub mod identity;
pub mod problem;
pub mod serve;
