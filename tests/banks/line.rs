//! The line between gateway and bank, which a test can cut and mend.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Passes bytes on to a bank while it is whole, and hangs up at once while it is cut.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    whole: Arc<AtomicBool>,
}

impl Line {
    pub(crate) fn to(bank: &str) -> Self {
        let target: SocketAddr = bank.trim_start_matches("https://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let whole = Arc::new(AtomicBool::new(true));
        let state = Arc::clone(&whole);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if state.load(Ordering::SeqCst) {
                    connect(near, target);
                }
            }
        });
        Self { address, whole }
    }

    pub(crate) fn cut(&self) {
        self.whole.store(false, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.whole.store(true, Ordering::SeqCst);
    }
}

fn connect(near: TcpStream, target: SocketAddr) {
    let far = TcpStream::connect(target).unwrap();
    for (mut from, mut to) in [
        (near.try_clone().unwrap(), far.try_clone().unwrap()),
        (far, near),
    ] {
        thread::spawn(move || {
            // Either side may hang up; then the other one is told.
            io::copy(&mut from, &mut to).ok();
            to.shutdown(std::net::Shutdown::Both).ok();
        });
    }
}
