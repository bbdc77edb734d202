//! The sample banks, and an order that tests of files share.

use wagegate_conformance::making;
use wagegate_domain::adapter::{Adapter, Order, Payment};
use wagegate_domain::fact::Told;
use wagegate_domain::ids::PersonName;
use wagegate_textfile::Textfile;

pub(crate) const BISHUI: &str = include_str!("../../banks/bishui.toml");
pub(crate) const CANGLING: &str = include_str!("../../banks/cangling.toml");
pub(crate) const LANHE: &str = include_str!("../../banks/lanhe.toml");

pub(crate) fn bank(profile: &str) -> Textfile {
    Textfile::from_toml(profile).unwrap_or_else(|error| panic!("{error}"))
}

/// Every sample bank, by its code.
pub(crate) fn banks() -> [(&'static str, Textfile); 3] {
    [
        ("bishui", bank(BISHUI)),
        ("cangling", bank(CANGLING)),
        ("lanhe", bank(LANHE)),
    ]
}

/// So many payments under a key of the bank's own form; every 50th name has rare characters where the bank's encoding holds them.
pub(crate) fn order(bank: &Textfile, count: u32) -> (Order, impl Iterator<Item = Payment> + use<>) {
    let order = making::order(bank.profile().key, 3, count);
    let rare = bank.profile().code != "lanhe";
    let payments = making::payments(&order).map(move |payment| match payment.sequence % 50 {
        49 => Payment {
            name: name("阿依古丽·吐尔逊"),
            ..payment
        },
        0 if rare => Payment {
            name: name("𠮷䶮㛃"),
            ..payment
        },
        _ => payment,
    });
    (order, payments)
}

pub(crate) fn written(bank: &Textfile, count: u32) -> Vec<u8> {
    let (order, mut payments) = order(bank, count);
    let mut bytes = Vec::new();
    bank.encode(&order, &mut payments, &mut bytes).unwrap();
    bytes
}

pub(crate) fn name(text: &str) -> PersonName {
    making::name(text)
}

/// What a document tells, and how the reading ended.
pub(crate) fn told(
    bank: &Textfile,
    asked: Option<&str>,
    mut document: &[u8],
) -> (Vec<Told>, Result<(), String>) {
    let mut told = Vec::new();
    let end = bank.decode(asked, &mut document, &mut |one| told.push(one));
    (told, end.map_err(|error| error.to_string()))
}
