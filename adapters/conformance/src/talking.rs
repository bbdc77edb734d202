//! What every family promises of the talk around the documents.

use jiff::ToSpan as _;
use jiff::civil::Date;
use wagegate_domain::adapter::{Answer, Held, Method, Operation, Order, Reply, Request, Step};

use crate::encoding::sample;
use crate::{Bench, Said, Word, making};

/// A submission is the one request that carries a body; query and submission name the key, and a query the days where the bank wants them.
pub fn the_paths_carry_the_key(bench: &dyn Bench) {
    let (order, _) = sample(bench, 1);
    let (request, _) = open(bench, submit(&order)).expect("every bank takes instructions");
    assert_eq!(request.method, Method::Post);
    let asks = bench.adapter().profile().paths.query.as_deref();
    let (Some((request, _)), Some(path)) = (open(bench, query(&order)), asks) else {
        assert!(asks.is_none(), "a bank that can be asked is asked");
        return;
    };
    assert_eq!(request.method, Method::Get);
    assert!(request.path.contains(&order.bank_key) && !request.path.contains('{'));
    let wanted = path.contains("{from}");
    for day in days(&order) {
        assert_eq!(request.path.contains(&day.to_string()), wanted, "{day}");
    }
}

/// Taken, refused, duplicate, at work, no record: each its own answer, and a code of the bank beside a refusal.
pub fn replies_become_the_answers_of_the_contract(bench: &dyn Bench) {
    let (order, _) = sample(bench, 1);
    for (word, operation) in [
        (Word::Taken, submit(&order)),
        (Word::Refused, submit(&order)),
        (Word::Duplicate, submit(&order)),
        (Word::InProgress, query(&order)),
        (Word::NotKnown, query(&order)),
        (Word::Strange, submit(&order)),
        (Word::Strange, query(&order)),
    ] {
        let Some((status, body)) = bench.reply(word, &order) else {
            continue;
        };
        let answer = talk(bench, operation, status, &body);
        let right = match word {
            Word::Taken => answer == Answer::Accepted,
            Word::Duplicate => answer == Answer::Duplicate,
            Word::InProgress => answer == Answer::InProgress,
            Word::NotKnown => answer == Answer::NotKnown,
            Word::Strange => matches!(answer, Answer::Unclear { .. }),
            Word::Refused => {
                matches!(&answer, Answer::Refused { bank, .. } if !bank.code.is_empty() && !bank.list.is_empty())
            }
        };
        assert!(right, "{word:?} became {answer:?}");
    }
}

/// A bank in trouble may say anything.
pub fn a_server_error_is_unclear_whatever_it_says(bench: &dyn Bench) {
    let (order, payments) = sample(bench, 1);
    let mut bodies: Vec<Vec<u8>> = WORDS
        .iter()
        .filter_map(|word| bench.reply(*word, &order))
        .map(|(_, body)| body)
        .collect();
    bodies.push(bench.result(&order, &[(payments[0].clone(), Said::Paid)]));
    bodies.push(Vec::new());
    for body in bodies {
        for status in [500, 502, 503, 504, 599] {
            for operation in [submit(&order), query(&order)] {
                check_unclear(bench, operation, status, &body);
            }
        }
    }
}

/// What names another key says nothing about this one.
pub fn a_reply_about_another_key_is_unclear(bench: &dyn Bench) {
    let (order, payments) = sample(bench, 1);
    let other = making::order(bench.adapter().profile().key, 8, 1);
    for word in WORDS {
        let (Some(own), Some(foreign)) = (bench.reply(word, &order), bench.reply(word, &other))
        else {
            continue;
        };
        if own != foreign {
            for operation in [submit(&order), query(&order)] {
                check_unclear(bench, operation, foreign.0, &foreign.1);
            }
        }
    }
    let rows = [(payments[0].clone(), Said::Paid)];
    let foreign = bench.result(&other, &rows);
    if foreign != bench.result(&order, &rows) {
        check_unclear(bench, query(&order), 200, &foreign);
    }
}

/// Proxies, log-in pages, cut lines: with whatever status, nothing is known. Only a plain 404 to a query may mean "no record".
pub fn nonsense_is_unclear(bench: &dyn Bench) {
    let (order, _) = sample(bench, 1);
    for status in [
        100, 200, 201, 202, 204, 301, 302, 400, 401, 403, 404, 409, 422, 429,
    ] {
        for body in [
            b"".as_slice(),
            b"<html>log in</html>",
            b"ok",
            b"0000",
            b"\xff\xff|\r\n",
            b"{}",
            b"|||||\r\n",
        ] {
            check_unclear(bench, submit(&order), status, body);
            if status != 404 {
                check_unclear(bench, query(&order), status, body);
            }
        }
    }
}

/// A result is to be decoded, also when only its first 64 KiB are at hand.
pub fn a_result_is_a_document(bench: &dyn Bench) {
    for count in [1, 2_000] {
        let (order, payments) = sample(bench, count);
        let rows: Vec<_> = payments
            .into_iter()
            .map(|payment| (payment, Said::Paid))
            .collect();
        let document = bench.result(&order, &rows);
        let answer = talk(bench, query(&order), 200, &document);
        assert_eq!(
            answer,
            Answer::Document { next_cursor: None },
            "{count} rows"
        );
    }
}

/// The cursor goes out with the request and comes back with the answer.
pub fn returns_are_collected_by_cursor(bench: &dyn Bench) {
    let (order, payments) = sample(bench, 1);
    let Some(document) = bench.returned(&order, &payments) else {
        return;
    };
    let Some((request, held)) = open(
        bench,
        Operation::Collect {
            after: "41".to_owned(),
        },
    ) else {
        return assert!(bench.adapter().profile().paths.collect.is_none());
    };
    assert!(request.method == Method::Get && request.path.contains("41"));
    let reply = Reply {
        status: 200,
        next_cursor: Some("42"),
        head: &document,
    };
    let expected = Answer::Document {
        next_cursor: Some("42".to_owned()),
    };
    assert_eq!(
        bench.adapter().resume(held.clone(), &reply),
        Step::Done(expected)
    );
    let nothing = Reply {
        status: 204,
        next_cursor: None,
        head: b"",
    };
    assert_eq!(
        bench.adapter().resume(held.clone(), &nothing),
        Step::Done(Answer::Nothing)
    );
    for (status, head) in [
        (500, document.as_slice()),
        (200, b"<html>log in</html>"),
        (404, b""),
    ] {
        let step = bench.adapter().resume(
            held.clone(),
            &Reply {
                status,
                next_cursor: None,
                head,
            },
        );
        assert!(
            matches!(step, Step::Done(Answer::Unclear { .. })),
            "{status}: {step:?}"
        );
    }
}

/// No path, no talk.
pub fn what_the_bank_cannot_do_is_absent(bench: &dyn Bench) {
    let collect = open(
        bench,
        Operation::Collect {
            after: "0".to_owned(),
        },
    );
    assert_eq!(
        collect.is_some(),
        bench.adapter().profile().paths.collect.is_some()
    );
}

const WORDS: [Word; 6] = [
    Word::Taken,
    Word::Refused,
    Word::Duplicate,
    Word::InProgress,
    Word::NotKnown,
    Word::Strange,
];

fn submit(order: &Order) -> Operation {
    Operation::Submit {
        bank_key: order.bank_key.clone(),
    }
}

fn query(order: &Order) -> Operation {
    let [from, to] = days(order);
    Operation::Query {
        bank_key: order.bank_key.clone(),
        from,
        to,
    }
}

/// The day before an order was made and the day after, between which its bank shall look.
fn days(order: &Order) -> [Date; 2] {
    let made = order.created.date();
    [-1, 1].map(|by| made.saturating_add(by.days()))
}

fn open(bench: &dyn Bench, operation: Operation) -> Option<(Request, Held)> {
    match bench.adapter().begin(operation)? {
        Step::Send { request, held } => Some((request, held)),
        Step::Done(answer) => panic!("over before it began: {answer:?}"),
    }
}

/// One round; the head is cut as the gateway cuts it.
fn talk(bench: &dyn Bench, operation: Operation, status: u16, body: &[u8]) -> Answer {
    let (_, held) = open(bench, operation).expect("the bank can do this");
    let head = body.get(..65_536).unwrap_or(body);
    match bench.adapter().resume(
        held,
        &Reply {
            status,
            next_cursor: None,
            head,
        },
    ) {
        Step::Done(answer) => answer,
        Step::Send { request, .. } => panic!("a second round: {request:?}"),
    }
}

fn check_unclear(bench: &dyn Bench, operation: Operation, status: u16, body: &[u8]) {
    let answer = talk(bench, operation.clone(), status, body);
    let text = String::from_utf8_lossy(body.get(..200).unwrap_or(body)).into_owned();
    assert!(
        matches!(answer, Answer::Unclear { .. }),
        "{operation:?}, {status} {text:?} became {answer:?}"
    );
}
