use std::collections::VecDeque;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;

const CONFIG: BreakerConfig = BreakerConfig {
    failures: 3,
    open_for: Duration::from_secs(10),
};

/// One thing that happens to a breaker.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A call that is answered.
    Ok,
    /// A call that fails.
    Fail,
    /// A call begins and goes on.
    Begin,
    /// The call that began first is answered.
    EndOk,
    /// It fails.
    EndFail,
    /// It is canceled.
    Cancel,
    /// A call is refused, with so many seconds to wait.
    Refused(u64),
    /// Seconds pass.
    Wait(u64),
}

fn play(steps: &[(Step, State)]) {
    let breaker = Breaker::new(CONFIG);
    let mut now = Instant::now();
    let mut calls = VecDeque::new();
    for (at, (step, expected)) in steps.iter().enumerate() {
        let mut first = || calls.pop_front().expect("a call has begun");
        match *step {
            Step::Ok => breaker.try_acquire(now).unwrap().success(),
            Step::Fail => breaker.try_acquire(now).unwrap().failure(now),
            Step::Begin => calls.push_back(breaker.try_acquire(now).unwrap()),
            Step::EndOk => first().success(),
            Step::EndFail => first().failure(now),
            Step::Cancel => drop(first()),
            Step::Refused(seconds) => {
                let retry_after = Duration::from_secs(seconds);
                assert_eq!(breaker.try_acquire(now).unwrap_err(), Open { retry_after }, "step {at}");
            }
            Step::Wait(seconds) => now += Duration::from_secs(seconds),
        }
        assert_eq!(breaker.state(), *expected, "after step {at}, {step:?}");
    }
}

#[test]
fn the_state_machine() {
    use State::{Closed, HalfOpen, Open};
    use Step::{Begin, Cancel, EndFail, EndOk, Fail, Ok, Refused, Wait};
    const OPENED: [(Step, State); 3] = [(Fail, Closed), (Fail, Closed), (Fail, Open)];
    let check = |steps: &[(Step, State)]| play(&[&OPENED, steps].concat());

    // Failures count in a row.
    play(&[
        (Fail, Closed),
        (Fail, Closed),
        (Ok, Closed),
        (Fail, Closed),
        (Fail, Closed),
        (Fail, Open),
    ]);
    // It stays open for its time.
    check(&[
        (Refused(10), Open),
        (Wait(9), Open),
        (Refused(1), Open),
        (Wait(1), Open),
        (Begin, HalfOpen),
    ]);
    // One call probes; its outcome decides.
    check(&[
        (Wait(10), Open),
        (Begin, HalfOpen),
        (Refused(0), HalfOpen),
        (EndOk, Closed),
        (Ok, Closed),
    ]);
    check(&[
        (Wait(10), Open),
        (Begin, HalfOpen),
        (Wait(5), HalfOpen),
        (EndFail, Open),
        (Refused(10), Open),
    ]);
    // Once closed again, it takes as many failures as at first.
    check(&[
        (Wait(10), Open),
        (Ok, Closed),
        (Fail, Closed),
        (Fail, Closed),
        (Fail, Open),
    ]);
    // A canceled probe leaves its place to one other, a canceled call changes nothing.
    check(&[
        (Wait(10), Open),
        (Begin, HalfOpen),
        (Cancel, HalfOpen),
        (Begin, HalfOpen),
        (Refused(0), HalfOpen),
    ]);
    play(&[
        (Fail, Closed),
        (Fail, Closed),
        (Begin, Closed),
        (Cancel, Closed),
        (Fail, Open),
    ]);
    // Calls that began before it opened say nothing about later times.
    play(&[
        (Begin, Closed),
        (Begin, Closed),
        (Begin, Closed),
        (Begin, Closed),
        (Fail, Closed),
        (Fail, Closed),
        (Fail, Open),
        (Wait(4), Open),
        (EndOk, Open),
        (EndFail, Open),
        (Refused(6), Open),
        (Wait(6), Open),
        (Begin, HalfOpen),
        (Cancel, HalfOpen),
        (Refused(0), HalfOpen),
        (EndFail, HalfOpen),
        (EndOk, Closed),
    ]);
}

#[test]
fn zero_failures_count_as_one_and_endless_open_times_are_no_overflow() {
    let open_for = Duration::MAX;
    let breaker = Breaker::new(BreakerConfig { failures: 0, open_for });
    let now = Instant::now();
    breaker.try_acquire(now).unwrap().failure(now);
    assert_eq!(breaker.try_acquire(now).unwrap_err().retry_after, open_for);
}

#[test]
fn of_all_threads_at_the_end_of_the_open_time_exactly_one_passes() {
    const THREADS: usize = 64;
    const ROUNDS: usize = 200;
    let start = Instant::now();
    let over = start + CONFIG.open_for;
    // Each round has a breaker and two races: for the first probe, and for the place that its dropping leaves.
    let rounds: Vec<(Breaker, [AtomicUsize; 2])> = (0..ROUNDS).map(|_| (opened(start), Default::default())).collect();
    let barrier = Barrier::new(THREADS);
    let race = || {
        for (breaker, passed) in &rounds {
            for passed in passed {
                barrier.wait();
                let permit = breaker.try_acquire(over);
                passed.fetch_add(usize::from(permit.is_ok()), Ordering::Relaxed);
                barrier.wait();
                drop(permit);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(race);
        }
    });
    for (breaker, passed) in rounds {
        assert_eq!(passed.map(AtomicUsize::into_inner), [1, 1]);
        assert_eq!(breaker.state(), State::HalfOpen);
    }
}

fn opened(now: Instant) -> Breaker {
    let breaker = Breaker::new(CONFIG);
    for _ in 0..CONFIG.failures {
        breaker.try_acquire(now).unwrap().failure(now);
    }
    assert_eq!(breaker.state(), State::Open);
    breaker
}

/// What a breaker should do, said otherwise: by what was answered since it closed, and who probes.
#[derive(Default)]
struct Model {
    now: Duration,
    /// How often it has closed.
    closings: usize,
    /// Whether the calls since then failed.
    failed: Vec<bool>,
    opened: Option<Duration>,
    probed: bool,
    probe: Option<usize>,
    calls: usize,
}

impl Model {
    fn state(&self) -> State {
        match self.opened {
            None => State::Closed,
            Some(_) if self.probed => State::HalfOpen,
            Some(_) => State::Open,
        }
    }

    /// A call's number, and how often the breaker had closed when it began.
    fn begin(&mut self) -> Result<(usize, usize), Duration> {
        if let Some(opened) = self.opened {
            let over = opened + CONFIG.open_for;
            if let Some(wait) = over.checked_sub(self.now).filter(|wait| !wait.is_zero()) {
                return Err(wait);
            }
            if self.probe.is_some() {
                return Err(Duration::ZERO);
            }
            self.probed = true;
            self.probe = Some(self.calls);
        }
        self.calls += 1;
        Ok((self.calls - 1, self.closings))
    }

    fn end(&mut self, (call, closings): (usize, usize), failed: Option<bool>) {
        if self.probe == Some(call) {
            self.probe = None;
            match failed {
                None => {}
                Some(true) => (self.opened, self.probed) = (Some(self.now), false),
                Some(false) => {
                    (self.opened, self.probed) = (None, false);
                    self.closings += 1;
                    self.failed.clear();
                }
            }
        } else if self.opened.is_none() && closings == self.closings {
            self.failed.extend(failed);
            let in_a_row = self.failed.iter().rev().take_while(|failed| **failed).count();
            if in_a_row >= CONFIG.failures as usize {
                self.opened = Some(self.now);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Event {
    Begin,
    End {
        which: prop::sample::Index,
        failed: Option<bool>,
    },
    Pass {
        milliseconds: u64,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let failed = prop_oneof![Just(None), Just(Some(false)), Just(Some(true)), Just(Some(true))];
    prop_oneof![
        4 => Just(Event::Begin),
        4 => (any::<prop::sample::Index>(), failed).prop_map(|(which, failed)| Event::End { which, failed }),
        1 => (0u64..12_000).prop_map(|milliseconds| Event::Pass { milliseconds }),
    ]
}

proptest! {
    #[test]
    fn it_does_what_the_model_says(events in prop::collection::vec(event(), 0..200)) {
        let breaker = Breaker::new(CONFIG);
        let start = Instant::now();
        let mut model = Model::default();
        let mut calls = Vec::new();
        for event in events {
            let now = start + model.now;
            match event {
                Event::Begin => match (breaker.try_acquire(now), model.begin()) {
                    (Ok(permit), Ok(call)) => calls.push((permit, call)),
                    (Err(open), Err(wait)) => prop_assert_eq!(open.retry_after, wait),
                    (permit, expected) => prop_assert!(false, "{:?}, expected {:?}", permit, expected),
                },
                Event::End { which, failed } if !calls.is_empty() => {
                    let (permit, call) = calls.swap_remove(which.index(calls.len()));
                    match failed {
                        None => drop(permit),
                        Some(true) => permit.failure(now),
                        Some(false) => permit.success(),
                    }
                    model.end(call, failed);
                }
                Event::End { .. } => {}
                Event::Pass { milliseconds } => model.now += Duration::from_millis(milliseconds),
            }
            prop_assert_eq!(breaker.state(), model.state());
        }
    }
}
