//! Listens to a process until its end, and sees to it that there is one.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::message::{Control, Failure, Hello, Message, PROTOCOL};
use super::process::{Heard, Process, printable};
use crate::config::TorchConfig;
use crate::engine::{Ended, StopToken};
use crate::error::{Error, ErrorKind};
use crate::job::TrainEvent;

/// How often the time and the token are looked at.
const TICK: Duration = Duration::from_millis(50);

/// How long lines are waited for after the end, where something that the process started still holds the pipe.
const LINGER: Duration = Duration::from_secs(2);

/// How long the other machines of a training have to come, before the process can give its first sign of life.
const OTHERS_TIME: Duration = Duration::from_mins(15);

/// The most lines that are no events which are told of.
const MAX_WARNINGS: usize = 100;

/// The most characters of one that are shown.
const MAX_WARNING: usize = 200;

/// The exit status of a shell whose command was killed.
const KILLED_STATUS: i32 = 128 + 9;

/// What `torch.distributed.run` writes of a process that was killed.
const KILLED_TEXT: &str = "exitcode  : -9";

/// How a process ended.
#[derive(Debug)]
pub(super) enum ProcessEnd {
    /// Well.
    Done(Ended),
    /// It said why it cannot go on.
    Failed {
        /// For what.
        kind: Failure,
        /// Why.
        text: String,
        /// Whether it has a GPU.
        on_gpu: bool,
    },
    /// It was asked to.
    Stopped,
    /// It told nothing for so long that it was killed.
    Silent {
        /// Seconds.
        seconds: u64,
        /// The end of its errors.
        tail: String,
    },
    /// It is another program.
    OtherProtocol {
        /// The version that it speaks.
        version: u32,
    },
    /// The system killed it.
    Killed,
    /// In another way.
    Ended {
        /// How.
        how: ExitStatus,
        /// The end of its errors.
        tail: String,
    },
}

/// What is known of a process under way.
pub(super) struct Watch<'a> {
    config: &'a TorchConfig,
    events: &'a mut dyn FnMut(TrainEvent),
    /// Rows that it has in memory at once.
    rows_at_once: u64,
    /// When it last gave a sign of life, and when it was started before the first.
    heard: Instant,
    is_awake: bool,
    /// When it said its last, or was asked to end; the grace runs from here.
    ending: Option<Instant>,
    hello: Option<Hello>,
    verdict: Option<ProcessEnd>,
    warnings: usize,
}

impl<'a> Watch<'a> {
    pub(super) fn new(config: &'a TorchConfig, rows_at_once: u64, events: &'a mut dyn FnMut(TrainEvent)) -> Self {
        Self {
            config,
            events,
            rows_at_once,
            heard: Instant::now(),
            is_awake: false,
            ending: None,
            hello: None,
            verdict: None,
            warnings: 0,
        }
    }

    /// How it ended, and the rows that it had in memory at once.
    pub(super) fn until_end(mut self, process: Process, stop: &StopToken) -> Result<(ProcessEnd, u64), Error> {
        let mut ended: Option<Instant> = None;
        loop {
            let heard = process.line(TICK);
            let is_closed = matches!(heard, Heard::Closed);
            if let Heard::Line(line) = heard {
                self.hear(&line);
            }
            if ended.is_none() && process.has_ended() {
                ended = Some(Instant::now());
            }
            match ended {
                Some(since) if is_closed || since.elapsed() > LINGER => break,
                None if is_closed => std::thread::sleep(TICK),
                Some(_) | None => {}
            }
            if ended.is_none() && self.is_over(&process, stop) {
                break;
            }
        }
        let rows_at_once = self.rows_at_once;
        let is_ours = ended.is_none();
        let (status, tail) = process
            .finish()
            .map_err(|error| Error::new(ErrorKind::Engine, error.to_string()))?;
        Ok((self.conclude(status, tail, is_ours), rows_at_once))
    }

    /// Asks it to end where that is wanted; whether its time is up.
    fn is_over(&mut self, process: &Process, stop: &StopToken) -> bool {
        if matches!(self.verdict, Some(ProcessEnd::OtherProtocol { .. })) {
            return true;
        }
        if stop.is_stopped() && self.verdict.is_none() {
            process.ask_to_stop();
            self.verdict = Some(ProcessEnd::Stopped);
            self.ending.get_or_insert_with(Instant::now);
        }
        let grace = Duration::from_secs(self.config.grace_seconds);
        if let Some(since) = self.ending {
            return since.elapsed() > grace;
        }
        let allowed = self.allowed_silence();
        let is_silent = self.heard.elapsed() > allowed;
        if is_silent {
            let (seconds, tail) = (allowed.as_secs(), String::new());
            self.verdict = Some(ProcessEnd::Silent { seconds, tail });
        }
        is_silent
    }

    fn allowed_silence(&self) -> Duration {
        let allowed = Duration::from_secs(self.config.heartbeat_seconds);
        if self.is_awake || self.config.nodes == 1 {
            allowed
        } else {
            allowed.max(OTHERS_TIME)
        }
    }

    fn hear(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str(line) else {
            return self.warn(line);
        };
        self.is_awake = true;
        self.take(message);
        // Only now: those who are told may take their time.
        self.heard = Instant::now();
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Control(Control::Heartbeat) => {}
            Message::Control(Control::Hello(hello)) => self.greet(hello),
            Message::Control(Control::Done { ended }) => self.decide(ProcessEnd::Done(ended)),
            Message::Control(Control::Failed { kind, text }) => {
                let on_gpu = self.hello.as_ref().is_some_and(|hello| !hello.cuda.is_empty());
                let text = printable(&text);
                self.decide(ProcessEnd::Failed { kind, text, on_gpu });
            }
            Message::Event(event) => {
                if let TrainEvent::Memory { rows_at_once } = event {
                    self.rows_at_once = rows_at_once;
                }
                (self.events)(event);
            }
        }
    }

    fn greet(&mut self, hello: Hello) {
        if hello.version == PROTOCOL {
            tracing::info!(found = hello.describe(), "the Python process is there");
            self.hello = Some(hello);
        } else {
            self.decide(ProcessEnd::OtherProtocol { version: hello.version });
        }
    }

    /// Takes its last word, also when it was asked to end in the meantime.
    fn decide(&mut self, outcome: ProcessEnd) {
        self.verdict = Some(outcome);
        self.ending.get_or_insert_with(Instant::now);
    }

    /// Tells of a line that is no event, but not of too many.
    fn warn(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        self.warnings += 1;
        let text = match self.warnings {
            ..=MAX_WARNINGS => printable(&line.chars().take(MAX_WARNING).collect::<String>()),
            number if number == MAX_WARNINGS + 1 => "more lines that are no events are left out".to_owned(),
            _ => return,
        };
        (self.events)(TrainEvent::Warning { text });
    }

    /// What its last word and its end come to. `is_ours` says that it is this side that ended it.
    fn conclude(self, how: ExitStatus, tail: String, is_ours: bool) -> ProcessEnd {
        let one_was_killed = tail.contains(KILLED_TEXT);
        let was_killed = how.signal() == Some(9) || how.code() == Some(KILLED_STATUS) || one_was_killed;
        match self.verdict {
            Some(ProcessEnd::Silent { seconds, .. }) => ProcessEnd::Silent { seconds, tail },
            Some(ProcessEnd::Done(ended)) => {
                if !how.success() {
                    let text = format!("the Python process was done, but did not end well ({how})");
                    (self.events)(TrainEvent::Warning { text });
                }
                ProcessEnd::Done(ended)
            }
            // One of several processes misses another.
            Some(ProcessEnd::Failed {
                kind: Failure::Other, ..
            }) if one_was_killed => ProcessEnd::Killed,
            Some(outcome) => outcome,
            None if was_killed && !is_ours => ProcessEnd::Killed,
            None => ProcessEnd::Ended { how, tail },
        }
    }
}
