//! Free text that is kept for ever, such as the reason of a refusal: it may not name the people whose wages it is about (invariant 18).

use crate::{
    gateway::Gateway,
    security::seal::VaultError,
    store::{ItemCursor, ItemFilter, StoreError},
};

/// So many digits may be a card, an identity number or a telephone number.
const LONG: usize = 8;
/// Wages looked at in one go.
const PAGE: u32 = 1_000;

/// It could not be found out whether somebody is named.
#[derive(Debug, thiserror::Error)]
pub enum MentionError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Says whether a text holds a long number, or the name of anybody in a batch.
///
/// # Errors
/// The store failed, or somebody's name does not open.
pub async fn names_somebody(
    gateway: &Gateway,
    batch: &str,
    text: &str,
) -> Result<bool, MentionError> {
    if has_long_number(text) {
        return Ok(true);
    }
    let filter = ItemFilter {
        batch: Some(batch.to_owned()),
        ..ItemFilter::default()
    };
    let mut after: Option<ItemCursor> = None;
    loop {
        let page = gateway.store.items(&filter, after, PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(false);
        };
        after = Some(*last);
        for (_, item) in &page {
            let (blind, sealed) = (&item.binding_blind, &item.binding_sealed);
            let (name, _) = gateway.vault.open_binding(blind, sealed)?;
            if text.contains(name.clear()) {
                return Ok(true);
            }
        }
    }
}

/// Spaces inside a number do not hide it; hyphens stand in dates.
pub fn has_long_number(text: &str) -> bool {
    let mut run = 0;
    text.chars().any(|c| {
        run = match c {
            c if c.is_numeric() => run + 1,
            ' ' | '\u{3000}' => run,
            _ => 0,
        };
        run >= LONG
    })
}

/// A name of something of ours, as a refusal may repeat it; what may be a person's name or number is not repeated.
pub fn repeatable(key: &str) -> Option<&str> {
    let digits = key.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
    let plain = key.len() <= 80 && key.bytes().all(|byte| byte.is_ascii_graphic());
    (plain && digits.unwrap_or(0) <= LONG).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_seen_however_they_are_written() {
        for text in [
            "卡6225881414207430",
            "1397 418 3000",
            "５３０１０２１９９００１０１",
        ] {
            assert!(has_long_number(text), "{text}");
        }
        for text in [
            "第12行金额不对",
            "2026-10月已发",
            "B-2026-10-9612C0",
            "差 1,234.50 元",
        ] {
            assert!(!has_long_number(text), "{text}");
        }
    }

    #[test]
    fn codes_are_repeated_and_people_are_not() {
        for key in [
            "B-2026-10-9612C0E38E",
            "P1",
            "530102",
            "wagegate://user/clerk",
            "20261024",
        ] {
            assert_eq!(repeatable(key), Some(key));
        }
        for key in ["13974183000", "532923198012152470", "司徒砚霁", "a b"] {
            assert_eq!(repeatable(key), None, "{key}");
        }
    }
}
