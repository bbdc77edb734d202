//! The one suite that every adapter family passes, bank by bank: a development dependency of each family, never of the gateway.
//!
//! A family brings a [`Bench`] for each of its profiles: the adapter, and functions that write what that bank would write. [`suite!`] turns it into
//! one test for each promise of the contract. The bench's documents are written from the bank's interface page, never with the adapter's own code.

pub mod decoding;
pub mod encoding;
pub mod hearing;
pub mod making;
pub mod streaming;
pub mod talking;

use wagegate_domain::adapter::{Adapter, Order, Payment};
use wagegate_domain::fact::Verdict;

/// What the bank on the bench says of one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Credited.
    Paid,
    /// Refused, with a code that the profile's table holds.
    Failed,
    /// Being worked on.
    Working,
    /// A status that the profile's table does not hold.
    Strange,
    /// Paid and sent back, with a code that the table holds.
    Returned,
}

/// What the bank on the bench replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// To a submission: taken.
    Taken,
    /// To a submission: refused whole.
    Refused,
    /// To a submission: seen before.
    Duplicate,
    /// To a query: at work.
    InProgress,
    /// To a query: no record.
    NotKnown,
    /// To either: a reply in the bank's own form with a code that the profile does not hold.
    Strange,
}

/// One bank as the suite sees it: the adapter under test, and the bank's own pen.
pub trait Bench {
    /// The adapter under test, with the bank's profile in it.
    fn adapter(&self) -> &dyn Adapter;

    /// The whole-instruction result that the bank gives to a query, one saying for each payment, in order. With [`Said::Returned`] nowhere in it.
    fn result(&self, order: &Order, rows: &[(Payment, Said)]) -> Vec<u8>;

    /// The document that tells of payments sent back; `None` for a bank that has none.
    fn returned(&self, order: &Order, rows: &[Payment]) -> Option<Vec<u8>>;

    /// The raw code which the bank writes for a saying, and the verdict that it must become.
    fn code(&self, said: Said) -> (&'static str, Verdict);

    /// Status and body of a reply about the order; `None` where this bank cannot say that.
    fn reply(&self, word: Word, order: &Order) -> Option<(u16, Vec<u8>)>;

    /// True where the bank's character set holds the text.
    fn holds(&self, text: &str) -> bool;

    /// Changes of a good payment, each of which the bank's file cannot carry: encode must refuse every one.
    fn unfit(&self, good: &Payment) -> Vec<Payment>;
}

/// Writes one test for each promise, in a module named after the bank: `suite!(bishui => Bishui::new());`.
#[macro_export]
macro_rules! suite {
    ($($bank:ident => $bench:expr),+ $(,)?) => { $(
        mod $bank {
            use super::*;
            $crate::suite!(@tests $bench,
                encoding: the_same_arguments_give_the_same_bytes, what_was_written_is_read_back, rare_characters_survive_or_are_refused,
                    totals_that_differ_from_the_order_are_refused, what_does_not_fit_is_refused_by_row_and_unnamed, a_failing_writer_is_an_error,
                    cut_bytes_are_never_read_back_as_the_order;
                decoding: each_row_is_told_with_its_verdict_and_code, an_unknown_code_waits, returns_are_told, a_cut_document_pays_nobody_by_surprise,
                    a_damaged_document_never_panics, the_same_document_tells_the_same, what_is_not_a_document_is_an_error,
                    nobody_is_named_in_what_is_logged;
                talking: the_paths_carry_the_key, replies_become_the_answers_of_the_contract, a_server_error_is_unclear_whatever_it_says,
                    a_reply_about_another_key_is_unclear, nonsense_is_unclear, a_result_is_a_document, returns_are_collected_by_cursor,
                    what_the_bank_cannot_do_is_absent;
                streaming: payments_are_pulled_as_bytes_are_written, early_rows_are_told_before_late_bytes_are_read,
                    payments_are_read_back_before_late_bytes_are_read;
            );
        }
    )+ };
    (@tests $bench:expr, $($group:ident: $($promise:ident),+;)+) => { $($(
        #[test]
        fn $promise() {
            $crate::$group::$promise(&$bench);
        }
    )+)+ };
}
