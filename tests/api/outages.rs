//! A line that breaks between the command line and its gateway: a proxy that cuts connections shows what comes of it.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::house::{House, sheet};

/// Passes connections on to the gateway. Before it passes an answer's bytes on, it asks whether to cut: with the connection's number, from 0, and
/// how many bytes went to the gateway so far. Gives its address.
fn proxy(house: &House, cuts: fn(usize, usize) -> bool) -> String {
    let gateway = house.url.replace("https://", "");
    let listener = TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let (client, gateway) = (client.unwrap(), TcpStream::connect(&gateway).unwrap());
            let sent = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&sent);
            let ends = [client.try_clone().unwrap(), gateway.try_clone().unwrap()];
            thread::spawn(move || {
                let [from, to] = ends;
                pass(from, to, |length| {
                    counted.fetch_add(length, Ordering::SeqCst);
                    true
                });
            });
            thread::spawn(move || {
                pass(gateway, client, |_| {
                    !cuts(number, sent.load(Ordering::SeqCst))
                })
            });
        }
    });
    format!("https://localhost:{port}")
}

fn pass(mut from: TcpStream, mut to: TcpStream, may: impl Fn(usize) -> bool) {
    let mut piece = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        if !may(length) || to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        // It may be closed already.
        end.shutdown(Shutdown::Both).ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_whose_answer_was_lost_is_sent_once_more_and_is_one_batch() {
    let house = House::open().await;
    let cut = proxy(&house, |number, sent| number == 0 && sent > 80_000);
    let text = sheet(90).replace("\n李", &format!("\n{},李", "注".repeat(300)));
    let file = house.write("long.csv", text.replace("姓名,", "备注,姓名,"));
    let submit = format!("submit FILE --project P1 --month 2026-10 --json --server {cut}");
    let words: Vec<_> = submit
        .split(' ')
        .map(|word| {
            if word == "FILE" {
                file.to_str().unwrap()
            } else {
                word
            }
        })
        .collect();
    let output = house.command("clerk", &words);
    assert!(output.status.success(), "{output:?}");
    let batch: Value = serde_json::from_slice(&output.stdout).unwrap();
    let listed = house.as_user("clerk").get("/v1/batches").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["code"], batch["code"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_with_a_time_goes_on_through_an_outage() {
    let house = House::open().await;
    let code = house.batch(1).await["code"].as_str().unwrap().to_owned();
    let clerk = house.as_user("clerk");
    let path = format!("/v1/batches/{code}/withdraw");
    let taken_back = clerk.post(&path, json!({}).to_string()).await;
    assert_eq!(taken_back.status, 200, "{taken_back:?}");
    let cut = proxy(&house, |number, _| number < 3);
    let watch = ["watch", &code, "--until-settled", "--server", &cut];
    let patient = ["--every-ms", "10", "--within-s", "60"];
    let output = house.command("clerk", &watch);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let output = house.command("clerk", &[watch.as_slice(), &patient].concat());
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.matches("going on").count(), 1, "{said}");
}
