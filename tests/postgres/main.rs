//! What only PostgreSQL can get wrong: several gateways at once, whose work must come out as if one had done it after the other; the schema
//! that they share; and texts that it cannot hold. What both engines must do is in `store`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/certificates.rs"]
mod certificates;
mod crossing;
mod facts;
#[path = "../support/fresh_postgres.rs"]
mod fresh_postgres;
#[path = "../support/gateway.rs"]
mod gateway;
mod house;
mod identities;
#[path = "../support/lists.rs"]
mod lists;
mod outage;
mod races;
mod schema;
