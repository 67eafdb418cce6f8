//! What to do about an error: one table.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::{Category, Class};

/// What is done with the work that met an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is tried again after an exponential delay with jitter.
    Backoff,
    /// It is tried again when the server said that it may be; if the server did not say, as [`Action::Backoff`].
    WaitAsTold,
    /// It is tried again immediately with half of the batch.
    HalveBatch,
    /// The error is recorded and counted, and the work goes on without the thing that met it.
    RecordAndSkip,
    /// The job is put aside, with its error, until somebody looks at it.
    DeadLetter,
    /// The run stops; the next one goes on from there, when what was in the way is gone.
    StopRun,
}

/// How an error is handled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// What to do; the rest says how often and how fast.
    pub action: Action,
    /// How often the work is tried in all, the first time included.
    pub attempts: u32,
    /// The delay after the first failure, before jitter.
    pub first_delay: Duration,
    /// What the delay is multiplied by after each failure.
    pub factor: f32,
    /// The longest delay before jitter; jitter up to doubles it.
    pub max_delay: Duration,
}

/// The longest wait that a server can ask for. Quotas of forges are per minute, hour or day; who says more is mistaken.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// The shortest: a reset that is past already, or `Retry-After: 0`, must not become a busy loop.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

impl Category {
    /// How errors of this category are handled as long as trying again or going on makes sense.
    pub const fn policy(self) -> Policy {
        match self {
            // 1 s is gRPC's first connection backoff; doubling up to 60 s is backon's default. Six attempts bridge half a
            // minute: a route that flaps, a proxy that restarts.
            Self::Network => Policy::retry(Action::Backoff, 6, secs(1), secs(60)),
            // A call that failed this way has cost its whole time limit already, hence fewer attempts.
            Self::Timeout => Policy::retry(Action::Backoff, 4, secs(1), secs(60)),
            // GitHub's REST documentation on rate limits, for an answer that names no time: at least a minute, then
            // exponentially longer, not forever. Its windows are an hour long.
            Self::RateLimit => Policy::retry(Action::WaitAsTold, 8, secs(60), Duration::from_hours(1)),
            // Lost serialization races and busy files pass within milliseconds, a restart within seconds. Nine attempts
            // take 16 s or more, so that they outlive one open time of the default breaker.
            Self::Database => Policy::retry(Action::Backoff, 9, Duration::from_millis(100), secs(5)),
            // Seven halvings bring a batch of 128 down to one.
            Self::GpuMemory => Policy::retry(Action::HalveBatch, 8, Duration::ZERO, Duration::ZERO),
            Self::Storage | Self::Memory | Self::Disk | Self::Auth => Policy::once(Action::StopRun),
            Self::Validation | Self::CorruptInput => Policy::once(Action::RecordAndSkip),
            Self::Internal => Policy::once(Action::DeadLetter),
        }
    }
}

impl Policy {
    /// The category's policy, unless the class says that trying again gives the same.
    pub(super) const fn of(class: Class, category: Category) -> Self {
        match (class, category) {
            (Class::Transient | Class::System, _) | (Class::User, Category::Validation) => category.policy(),
            (Class::User, _) => Self::once(Action::StopRun),
            (Class::Permanent, _) => Self::once(Action::DeadLetter),
        }
    }

    /// Whether the work is tried again at all.
    pub const fn retries(self) -> bool {
        self.attempts > 1
    }

    /// The delays between the attempts, one fewer than those. The same seed gives the same delays; callers that failed
    /// together take different seeds, so that they do not come back together (M. Brooker, "Exponential Backoff And
    /// Jitter", AWS Architecture Blog, 2015).
    ///
    /// A delay is the exponential one plus a random part of up to the same length.
    pub fn delays(self, seed: u64) -> impl Iterator<Item = Duration> {
        ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_factor(self.factor)
            .with_max_delay(self.max_delay)
            .with_max_times(self.attempts.saturating_sub(1) as usize)
            .with_jitter()
            .with_jitter_seed(seed)
            .build()
    }

    /// The delay after failed attempt number `attempt`, the first being 1; `None` when it was the last one.
    ///
    /// `told` is what the server asked for, such as `Retry-After` or the time until a reset. It takes the delay's place,
    /// between one second and one day.
    pub fn delay_after(self, attempt: u32, told: Option<Duration>, seed: u64) -> Option<Duration> {
        let done = attempt.saturating_sub(1) as usize;
        let delay = self.delays(seed).nth(done)?;
        Some(told.map_or(delay, |told| told.clamp(SHORTEST_WAIT, LONGEST_WAIT)))
    }

    const fn retry(action: Action, attempts: u32, first_delay: Duration, max_delay: Duration) -> Self {
        Self {
            action,
            attempts,
            first_delay,
            factor: 2.0,
            max_delay,
        }
    }

    const fn once(action: Action) -> Self {
        Self::retry(action, 1, Duration::ZERO, Duration::ZERO)
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::breaker::BreakerConfig;
    use crate::error::ErrorCode;

    #[test]
    fn the_issue_policies() {
        let check = |code: ErrorCode, action| assert_eq!(code.policy().action, action, "{code}");
        check(ErrorCode::Network, Action::Backoff);
        check(ErrorCode::RateLimited, Action::WaitAsTold);
        check(ErrorCode::Database, Action::Backoff);
        check(ErrorCode::Unavailable, Action::Backoff);
        check(ErrorCode::Timeout, Action::Backoff);
        check(ErrorCode::GpuOutOfMemory, Action::HalveBatch);
        check(ErrorCode::Validation, Action::RecordAndSkip);
        check(ErrorCode::NotFound, Action::RecordAndSkip);
        check(ErrorCode::CorruptInput, Action::DeadLetter);
        check(ErrorCode::Internal, Action::DeadLetter);
        check(ErrorCode::Storage, Action::StopRun);
        check(ErrorCode::DiskFull, Action::StopRun);
        check(ErrorCode::OutOfMemory, Action::StopRun);
        check(ErrorCode::Auth, Action::StopRun);
        check(ErrorCode::SchemaOutdated, Action::StopRun);
        check(ErrorCode::Canceled, Action::StopRun);
    }

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else() {
        for code in ErrorCode::ALL {
            let policy = code.policy();
            let again = matches!(policy.action, Action::Backoff | Action::WaitAsTold | Action::HalveBatch);
            assert_eq!(again, policy.retries(), "{code}");
            match code.class() {
                Class::Transient => assert!(again, "{code}"),
                Class::Permanent | Class::User => assert!(!again, "{code}"),
                Class::System => assert_eq!(again, code.category() == Category::GpuMemory, "{code}"),
            }
            assert!(again || !code.counts_for_breaker(), "{code}");
        }
    }

    #[test]
    fn no_class_but_the_two_that_may_pass_retries_in_any_category() {
        for category in Category::ALL {
            for class in [Class::Permanent, Class::User] {
                assert!(!Policy::of(class, category).retries(), "{class} {category}");
            }
            for class in [Class::Transient, Class::System] {
                assert_eq!(Policy::of(class, category), category.policy(), "{class} {category}");
            }
        }
    }

    #[test]
    fn retries_of_a_server_outlive_one_open_time_of_its_breaker() {
        let breaker = BreakerConfig::default();
        for code in ErrorCode::ALL.iter().filter(|code| code.counts_for_breaker()) {
            let policy = code.policy();
            // Alone, a caller opens the breaker with its `failures`-th attempt: what it waits after that counts.
            let after_opening: Duration = policy.delays(0).skip(breaker.failures as usize - 1).sum();
            let opens_it = policy.attempts > breaker.failures;
            assert!(!opens_it || after_opening > breaker.open_for, "{code}");
        }
    }

    #[test]
    fn delays_double_up_to_the_longest_before_jitter() {
        let check = |category: Category, seconds: &[f32]| {
            let bases = seconds.iter().map(|s| Duration::from_secs_f32(*s));
            let delays: Vec<_> = category.policy().delays(7).collect();
            assert_eq!(delays.len(), seconds.len(), "{category}");
            for (base, delay) in bases.zip(delays) {
                assert!(base <= delay && delay < base * 2, "{category}: {delay:?} for {base:?}");
            }
        };
        check(Category::Network, &[1., 2., 4., 8., 16.]);
        check(Category::RateLimit, &[60., 120., 240., 480., 960., 1920., 3600.]);
        check(Category::Database, &[0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5., 5.]);
        check(Category::Validation, &[]);
        assert_eq!(Category::GpuMemory.policy().delays(7).sum::<Duration>(), Duration::ZERO);
    }

    #[test]
    fn the_word_of_the_server_counts_between_a_second_and_a_day() {
        let policy = Category::RateLimit.policy();
        let check = |told, expected| assert_eq!(policy.delay_after(1, Some(told), 0), Some(expected));
        check(secs(5), secs(5));
        check(secs(3600), secs(3600));
        check(Duration::ZERO, secs(1));
        check(Duration::MAX, secs(86_400));
        assert_eq!(policy.delay_after(policy.attempts, Some(secs(5)), 0), None);
        assert_eq!(Category::Disk.policy().delay_after(1, Some(secs(5)), 0), None);
    }

    proptest! {
        #[test]
        fn one_delay_is_the_one_of_the_sequence(
            category in prop::sample::select(Category::ALL.to_vec()),
            seed in any::<u64>(),
            attempt in prop_oneof![0u32..12, any::<u32>()],
        ) {
            let policy = category.policy();
            let delays: Vec<_> = policy.delays(seed).collect();
            prop_assert_eq!(delays.len(), policy.attempts as usize - 1);
            let expected = delays.get((attempt as usize).saturating_sub(1)).copied();
            prop_assert_eq!(policy.delay_after(attempt, None, seed), expected);
        }

        #[test]
        fn other_seeds_disperse(seed in any::<u64>()) {
            let policy = Category::Network.policy();
            prop_assert!(!policy.delays(seed).eq(policy.delays(seed.wrapping_add(1))));
        }
    }
}
