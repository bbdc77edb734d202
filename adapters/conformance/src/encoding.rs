//! What every family promises of the bytes it writes.

use std::io::{self, Write};

use wagegate_domain::adapter::{Adapter, EncodeError, Order, Payment, ReadBack, ReadBackOrder};
use wagegate_domain::money::Fen;

use crate::{Bench, making};

/// Written twice, byte for byte alike.
pub fn the_same_arguments_give_the_same_bytes(bench: &dyn Bench) {
    let (order, payments) = sample(bench, 7);
    let write = || written(bench.adapter(), &order, &payments).expect("a good order is written");
    assert_eq!(write(), write());
}

/// Key, account, count, total and every payment come back from the bytes alone.
pub fn what_was_written_is_read_back(bench: &dyn Bench) {
    for count in [1, 2, 7, 500] {
        let (order, payments) = sample(bench, count);
        let bytes = written(bench.adapter(), &order, &payments).expect("a good order is written");
        check_read_back(bench.adapter(), &order, &payments, &bytes);
    }
}

/// 𠮷 䶮 㛃 and the middle dot are written where the character set has them, and refused by row where it has not.
pub fn rare_characters_survive_or_are_refused(bench: &dyn Bench) {
    for text in ["吐尔逊·买买提", "𠮷田", "䶮", "㛃洁", "欧阳㛃·𠮷"] {
        let (order, mut payments) = sample(bench, 3);
        payments[1].name = making::name(text);
        match written(bench.adapter(), &order, &payments) {
            Ok(bytes) => {
                assert!(
                    bench.holds(text),
                    "{text} was written, but this bank cannot hold it"
                );
                check_read_back(bench.adapter(), &order, &payments, &bytes);
            }
            Err(error) => {
                assert!(!bench.holds(text), "{text} was refused: {error}");
                check_refusal(&error, &payments[1]);
            }
        }
    }
}

/// One payment too many, one too few, one fen off: no order.
pub fn totals_that_differ_from_the_order_are_refused(bench: &dyn Bench) {
    let (order, payments) = sample(bench, 5);
    let more = Order {
        count: 6,
        ..order.clone()
    };
    let fewer = Order {
        count: 4,
        ..order.clone()
    };
    let dearer = Order {
        total: order
            .total
            .checked_add(Fen::new(1))
            .expect("far from the end of 64 bits"),
        ..order.clone()
    };
    for wrong in [more, fewer, dearer] {
        let result = written(bench.adapter(), &wrong, &payments);
        assert!(
            matches!(result, Err(EncodeError::Totals { .. })),
            "{wrong:?}: {result:?}"
        );
    }
    let last = payments.split_last().expect("five payments").1;
    assert!(matches!(
        written(bench.adapter(), &order, last),
        Err(EncodeError::Totals { .. })
    ));
}

/// The refusal names row and field, and neither name nor account.
pub fn what_does_not_fit_is_refused_by_row_and_unnamed(bench: &dyn Bench) {
    let (order, payments) = sample(bench, 3);
    let cases = bench.unfit(&payments[1]);
    assert!(
        !cases.is_empty(),
        "every bank's file has something that it cannot carry"
    );
    for (case, unfit) in cases.into_iter().enumerate() {
        let mut payments = payments.clone();
        payments[1] = unfit;
        match written(bench.adapter(), &order, &payments) {
            Ok(_) => panic!("case {case} was written"),
            Err(error) => check_refusal(&error, &payments[1]),
        }
    }
}

/// A full disk is an error, not a short instruction.
pub fn a_failing_writer_is_an_error(bench: &dyn Bench) {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (order, payments) = sample(bench, 20);
    let size = written(bench.adapter(), &order, &payments)
        .expect("a good order is written")
        .len();
    for room in [0, 1, size / 2, size - 1] {
        let result = bench
            .adapter()
            .encode(&order, &mut payments.iter().cloned(), &mut Full(room));
        assert!(
            matches!(result, Err(EncodeError::Io(_))),
            "{room} bytes of room: {result:?}"
        );
    }
}

/// Bytes that lost their end do not read back as the order that was written.
pub fn cut_bytes_are_never_read_back_as_the_order(bench: &dyn Bench) {
    let (order, payments) = sample(bench, 4);
    let bytes = written(bench.adapter(), &order, &payments).expect("a good order is written");
    // The last bytes may be white space only, which carries nothing.
    let solid = bytes.trim_ascii_end().len();
    for cut in 0..solid {
        let result = read_back(bench.adapter(), &bytes[..cut]);
        let whole = result.is_ok_and(|(_, rows)| rows.len() == payments.len());
        assert!(!whole, "cut after {cut} of {} bytes", bytes.len());
    }
}

/// The order and payments that most promises are tried with.
pub fn sample(bench: &dyn Bench, count: u32) -> (Order, Vec<Payment>) {
    let order = making::order(bench.adapter().profile().key, 7, count);
    let payments = making::payments(&order).collect();
    (order, payments)
}

fn written(
    adapter: &dyn Adapter,
    order: &Order,
    payments: &[Payment],
) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    adapter.encode(order, &mut payments.iter().cloned(), &mut bytes)?;
    Ok(bytes)
}

fn read_back(
    adapter: &dyn Adapter,
    mut bytes: &[u8],
) -> Result<(ReadBackOrder, Vec<ReadBack>), String> {
    let mut rows = Vec::new();
    let order = adapter
        .read_back(&mut bytes, &mut |row| rows.push(row))
        .map_err(|error| error.to_string())?;
    Ok((order, rows))
}

fn check_read_back(adapter: &dyn Adapter, order: &Order, payments: &[Payment], bytes: &[u8]) {
    let (stated, rows) = read_back(adapter, bytes).expect("own bytes are read back");
    let expected = ReadBackOrder {
        bank_key: order.bank_key.clone(),
        account: order.account.clear().to_owned(),
        count: u64::from(order.count),
        total: order.total,
    };
    assert_eq!(stated, expected);
    assert_eq!(rows.len(), payments.len());
    for (row, payment) in rows.iter().zip(payments) {
        assert_eq!(
            (row.sequence, row.amount),
            (payment.sequence, payment.amount)
        );
        assert_eq!(
            (row.account.as_str(), row.name.as_str()),
            (payment.account.clear(), payment.name.clear())
        );
    }
}

fn check_refusal(error: &EncodeError, payment: &Payment) {
    let EncodeError::Unfit { sequence, .. } = error else {
        panic!("refused for another cause: {error}");
    };
    assert_eq!(*sequence, payment.sequence);
    let text = format!("{error} {error:?}");
    for personal in [payment.name.clear(), payment.account.clear()] {
        assert!(!text.contains(personal), "the refusal names a person");
    }
}
