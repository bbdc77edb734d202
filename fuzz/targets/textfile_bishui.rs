//! Bytes as a document, a reply or an instruction of the bank `bishui`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wagegate_textfile::Textfile;

static BANK: LazyLock<Textfile> = LazyLock::new(|| {
    Textfile::from_toml(include_str!("../../adapters/textfile/banks/bishui.toml")).expect("the profile loads")
});

fuzz_target!(|data: &[u8]| wagegate_fuzz::check(&*BANK, data));
