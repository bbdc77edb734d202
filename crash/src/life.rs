//! Starts one life of the gateway's process, and ends it.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use crate::{Failure, house::House};

/// How a life is to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Death {
    /// By its own hand, at a named place, when it comes there for the `n`th time.
    At(&'static str, u32),
    /// By ours, after so long.
    After(Duration),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// At the place it was told.
    AtItsPlace,
    /// Killed from outside, at any moment.
    AnyMoment,
    /// It ended by itself, with this code.
    ByItself(Option<i32>),
}

/// A life and what it said.
#[derive(Debug)]
pub(crate) struct Lived {
    /// From its start to its first work, if it came so far.
    pub(crate) startup: Option<Duration>,
    pub(crate) end: End,
    pub(crate) lines: Vec<(Instant, String)>,
}

/// What every life is started with.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) now: i64,
    pub(crate) sheet: u32,
    pub(crate) drain: bool,
    /// Environment for faults.
    pub(crate) faults: Vec<(String, String)>,
}

/// A running life.
#[derive(Debug)]
pub(crate) struct Life {
    began: Instant,
    child: Child,
    lines: Receiver<(Instant, String)>,
    heard: Vec<(Instant, String)>,
}

impl Life {
    /// Starts one; what it must remember lies in the file beside the house.
    pub(crate) fn start(
        house: &House,
        start: &Start,
        death: Option<Death>,
    ) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["child", "--now", &start.now.to_string()])
            .args(["--sheet", &start.sheet.to_string()])
            .arg("--house")
            .arg(house.file())
            .arg("--remembered")
            .arg(house.folder.join("remembered"))
            .envs(start.faults.iter().map(|(name, value)| (name, value)))
            .stderr(log(house)?)
            .stdout(Stdio::piped());
        if start.drain {
            command.arg("--drain");
        }
        if let Some(Death::At(place, hit)) = death {
            command.env("WAGEGATE_KILL", format!("{place}:{hit}"));
        }
        let began = Instant::now();
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or("a life without output")?;
        Ok(Self {
            began,
            child,
            lines: listen(output),
            heard: Vec::new(),
        })
    }

    /// The process, for signals.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Listens until it has released a sheet after `over`, or has not for so long, or has ended.
    pub(crate) fn wait_for_word_since(&mut self, over: Instant, within: Duration) {
        let until = Instant::now() + within;
        while let Ok(heard) = self.lines.recv_timeout(left(until)) {
            let goes_on = heard.0 > over && heard.1.starts_with("sheet");
            self.heard.push(heard);
            if goes_on {
                return;
            }
        }
    }

    /// Waits so long for it to end by itself, and then kills it.
    pub(crate) fn end(mut self, within: Duration) -> Result<Lived, Failure> {
        let until = Instant::now() + within;
        let killed = loop {
            match self.lines.recv_timeout(left(until)) {
                Ok(heard) => self.heard.push(heard),
                Err(RecvTimeoutError::Disconnected) => break false,
                Err(RecvTimeoutError::Timeout) => break true,
            }
        };
        if killed {
            self.child.kill()?;
            self.heard.extend(self.lines.iter());
        }
        let status = self.child.wait()?;
        let ready = self.heard.iter().find(|(_, line)| line == "ready");
        Ok(Lived {
            startup: ready.map(|(at, _)| at.duration_since(self.began)),
            end: end(status, killed),
            lines: self.heard,
        })
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

fn end(status: ExitStatus, killed: bool) -> End {
    match (status.signal(), killed) {
        (Some(_), true) => End::AnyMoment,
        (Some(_), false) => End::AtItsPlace,
        (None, _) => End::ByItself(status.code()),
    }
}

pub(crate) fn log(house: &House) -> Result<File, Failure> {
    let path = house.folder.join("lives.log");
    Ok(File::options().append(true).create(true).open(path)?)
}

/// Gives every line and when it came; the end is the end of the process.
fn listen(output: ChildStdout) -> Receiver<(Instant, String)> {
    let (to, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if to.send((Instant::now(), line)).is_err() {
                return;
            }
        }
    });
    lines
}
