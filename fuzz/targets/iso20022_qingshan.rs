//! Bytes as a document, a reply or an instruction of the bank `qingshan`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wagegate_iso20022::Iso20022;

static BANK: LazyLock<Iso20022> = LazyLock::new(|| {
    Iso20022::from_toml(include_str!("../../adapters/iso20022/banks/qingshan.toml")).expect("the profile loads")
});

fuzz_target!(|data: &[u8]| wagegate_fuzz::check(&*BANK, data));
