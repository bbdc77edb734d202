//! Invented people, each with a name, an identity number, a card and a telephone number that pass every check and are nobody else's.

use std::sync::Mutex;

/// Somebody invented.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) id_number: String,
    pub(crate) card: String,
    pub(crate) phone: String,
}

impl Person {
    /// What is looked for: numbers without their check digits, so that one with a mistake in it is found too.
    pub(crate) fn stems(&self) -> [(&'static str, &str); 4] {
        [
            ("name", &self.name),
            ("identity number", &self.id_number[..17]),
            ("card", &self.card[..18]),
            ("telephone", &self.phone),
        ]
    }
}

/// People who are handed out to inputs, nobody twice.
pub(crate) struct Crowd {
    all: Vec<Person>,
    handed_out: Mutex<usize>,
}

impl Crowd {
    pub(crate) fn of(count: usize) -> Self {
        Self {
            all: (0..count).map(person).collect(),
            handed_out: Mutex::new(0),
        }
    }

    /// The next so many.
    pub(crate) fn next(&self, count: usize) -> Vec<Person> {
        let mut from = self.handed_out.lock().unwrap();
        let next = self.all[*from..*from + count].to_vec();
        *from += count;
        next
    }

    pub(crate) fn everybody(&self) -> &[Person] {
        assert_eq!(*self.handed_out.lock().unwrap(), self.all.len());
        &self.all
    }
}

fn person(n: usize) -> Person {
    let surnames = ["司徒", "欧阳", "上官", "诸葛", "夏侯"];
    let first: Vec<char> = "砚瑾璟翊煊骁淙琰".chars().collect();
    let second: Vec<char> = "霁蔚岚峤昱珩玥瑜".chars().collect();
    let name = format!("{}{}{}", surnames[n / 64], first[n / 8 % 8], second[n % 8]);
    Person {
        name,
        id_number: id_number(n),
        card: card(n),
        phone: format!("1397{:07}", 4_183_000 + n),
    }
}

fn id_number(n: usize) -> String {
    let body = format!(
        "5329231{:03}{:02}{:02}{:03}",
        970 + n % 20,
        n / 20 % 12 + 1,
        n % 27 + 1,
        n % 900 + 17
    );
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: usize = body
        .bytes()
        .zip(weights)
        .map(|(digit, weight)| usize::from(digit - b'0') * weight)
        .sum();
    format!("{body}{}", char::from(b"10X98765432"[sum % 11]))
}

fn card(n: usize) -> String {
    let body = format!("62317{:03}{:010}", 10 + n % 7, 8_450_271_003 + n * 37);
    let sum: usize = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = usize::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
