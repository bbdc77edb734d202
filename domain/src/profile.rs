//! What is the same in every bank's profile, whatever its family: who it is, what it takes, when it answers.

use serde::Deserialize;

use crate::ids::Cnaps;
use crate::plan::{KeyRule, Limits};

/// One bank's profile: data, read from TOML (`[bank]` table), checked when the gateway starts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankProfile {
    /// Short code, as in certificates and configuration.
    pub code: String,
    /// Name as people know it.
    pub name: String,
    /// The bank's own CNAPS number.
    #[serde(deserialize_with = "cnaps")]
    pub cnaps: Cnaps,
    /// What one instruction may hold.
    pub limits: Limits,
    /// Form of the instruction's key.
    pub key: KeyRule,
    /// When to ask.
    pub polling: Polling,
    /// Where to send and ask, relative to the bank's base address; `{key}` and `{after}` are filled in.
    pub paths: Paths,
}

/// When to ask for results, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polling {
    /// First query after the bank took the instruction.
    pub first_after_s: u32,
    /// Between queries.
    pub every_s: u32,
    /// Between looks for returns.
    pub collect_every_s: u32,
}

/// Paths of a bank that is spoken to over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// Takes an instruction.
    pub submit: String,
    /// Tells of one instruction.
    pub query: String,
    /// Tells what came back since; absent where the bank only pushes.
    pub collect: Option<String>,
}

impl BankProfile {
    /// How the bank's own numbers begin: three digits where they name one bank, the whole number where many banks share them
    /// (313 city, 314 rural commercial, 317 rural cooperative, 320 village, 401 and 402 credit co-operatives).
    pub fn own_cnaps_prefix(&self) -> &str {
        match self.cnaps.bank_code() {
            "313" | "314" | "317" | "320" | "401" | "402" => self.cnaps.as_str(),
            one_bank => one_bank,
        }
    }
}

fn cnaps<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Cnaps, D::Error> {
    Cnaps::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}
