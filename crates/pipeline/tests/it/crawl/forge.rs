//! A forge in memory: ten to a page, fifty to a listing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use codelupe_catalogue::{DueRepository, HostedState};
use codelupe_core::{HostedRepository, Slice, error::ErrorCode};
use codelupe_forge::Listing as Listed;
use codelupe_pipeline::Error;
use codelupe_pipeline::crawl::{Listing, Refreshed, Refresher};
use tokio::sync::Notify;

const PAGE: usize = 10;
const CAP: usize = 50;
const EPOCH: i64 = 1_600_000_000;

/// What is wrong with the next answers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    Fails(ErrorCode),
    Incomplete,
    SkipsOne,
    GoesRound,
}

#[derive(Default)]
struct State {
    repositories: BTreeMap<u64, HostedRepository>,
    gone: BTreeMap<u64, HostedState>,
    asked: u64,
    trouble: Option<(Trouble, u64)>,
    hang_in: Option<u64>,
    lose_in: Option<u64>,
}

pub(super) struct Forge {
    state: Mutex<State>,
    hangs: Notify,
}

impl Forge {
    pub(super) fn new(count: u64) -> Self {
        let repository = |id: u64| HostedRepository {
            forge: "github.com".to_owned(),
            id,
            full_name: format!("o/{id}"),
            stars: Some(id % 100),
            license: Some("MIT".to_owned()),
            created_at: Some(EPOCH + 1000 * id.cast_signed()),
            ..HostedRepository::default()
        };
        let state = State {
            repositories: (1..=count).map(|id| (id, repository(id))).collect(),
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            hangs: Notify::new(),
        }
    }

    /// So many of them were made in one second.
    pub(super) fn crowded(self, count: u64) -> Self {
        self.each(|repository| {
            if repository.id <= count {
                repository.created_at = Some(EPOCH);
            }
        });
        self
    }

    pub(super) fn all_with_stars(self, stars: u64) -> Self {
        self.each(|repository| repository.stars = Some(stars));
        self
    }

    pub(super) fn in_trouble(self, trouble: Trouble, times: u64) -> Self {
        self.with(|state| state.trouble = Some((trouble, times)));
        self
    }

    /// The repository of the lowest number goes at that request.
    pub(super) fn losing_one_after(self, requests: u64) -> Self {
        self.with(|state| state.lose_in = Some(requests));
        self
    }

    pub(super) fn each(&self, change: impl FnMut(&mut HostedRepository)) {
        self.with(|state| state.repositories.values_mut().for_each(change));
    }

    pub(super) fn lose(&self, id: u64, how: HostedState) {
        self.with(|state| {
            state.repositories.remove(&id);
            state.gone.insert(id, how);
        });
    }

    pub(super) fn hang_after(&self, requests: u64) {
        self.with(|state| state.hang_in = Some(requests));
    }

    /// Waits until it hangs.
    pub(super) async fn hung(&self) {
        self.hangs.notified().await;
    }

    pub(super) fn len(&self) -> u64 {
        self.with(|state| state.repositories.len() as u64)
    }

    pub(super) fn ids(&self) -> BTreeSet<u64> {
        self.with(|state| state.repositories.keys().copied().collect())
    }

    pub(super) fn asked(&self) -> u64 {
        self.with(|state| state.asked)
    }

    pub(super) fn created(&self, id: u64) -> i64 {
        self.with(|state| state.repositories[&id].created_at.unwrap())
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(state: &mut State, slice: Slice, cursor: Option<&str>) -> Result<Listed, Error> {
        if let Some(left) = &mut state.lose_in {
            if *left == 0 {
                state.repositories.pop_first();
                state.lose_in = None;
            } else {
                *left -= 1;
            }
        }
        let trouble = state
            .trouble
            .as_mut()
            .filter(|(_, times)| *times > 0)
            .map(|(trouble, times)| {
                *times -= 1;
                *trouble
            });
        if let Some(Trouble::Fails(code)) = trouble {
            return Err(Error::forge(code, "the forge failed"));
        }
        let within = |repository: &&HostedRepository| {
            let (created, stars) = (repository.created_at.unwrap(), repository.stars.unwrap());
            slice.created.is_none_or(|(from, to)| (from..=to).contains(&created))
                && slice.stars.is_none_or(|(low, high)| (low..=high).contains(&stars))
        };
        let all: Vec<_> = state.repositories.values().filter(within).cloned().collect();
        if all.len() > CAP {
            return Ok(Listed::TooMany {
                total: all.len() as u64,
            });
        }
        let first: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let mut repositories: Vec<_> = all.iter().skip(first).take(PAGE).cloned().collect();
        let mut next = (first + PAGE < all.len()).then(|| (first + PAGE).to_string());
        let mut skipped = 0;
        match trouble {
            Some(Trouble::SkipsOne) => {
                repositories.pop();
                skipped = 1;
            }
            Some(Trouble::GoesRound) => next = Some("10".to_owned()),
            _ => {}
        }
        Ok(Listed::Page {
            repositories,
            skipped,
            total: Some(all.len() as u64),
            incomplete: matches!(trouble, Some(Trouble::Incomplete)),
            next,
        })
    }

    /// Counts a request, and hangs if it is time to.
    async fn take_request(&self) {
        let hangs = self.with(|state| {
            state.asked += 1;
            match &mut state.hang_in {
                Some(0) => true,
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => false,
            }
        });
        if hangs {
            self.hangs.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Listing for Forge {
    fn forge(&self) -> &'static str {
        "github.com"
    }

    fn query(&self) -> String {
        "github?stars=>0".to_owned()
    }

    fn first_slice(&self, since: Option<i64>, now: i64) -> Slice {
        Slice {
            created: Some((since.unwrap_or(EPOCH), now)),
            stars: None,
        }
    }

    async fn page(&self, slice: Slice, cursor: Option<&str>) -> Result<Listed, Error> {
        self.take_request().await;
        self.with(|state| Self::answer(state, slice, cursor))
    }
}

#[async_trait]
impl Refresher for Forge {
    fn forge(&self) -> &'static str {
        "github.com"
    }

    async fn refresh(&self, known: &[DueRepository]) -> Result<Vec<(u64, Refreshed)>, Error> {
        self.take_request().await;
        Ok(self.with(|state| {
            let answer = |known: &DueRepository| {
                let gone = state.gone.get(&known.id).map(|how| Refreshed::Gone(*how));
                let there = state.repositories.get(&known.id);
                let there = || Some(Refreshed::Changed(Box::new(there?.clone()), Some("tag".to_owned())));
                Some((known.id, gone.or_else(there)?))
            };
            known.iter().filter_map(answer).collect()
        }))
    }
}
