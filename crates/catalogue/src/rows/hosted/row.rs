//! A hosted repository as the databases hold it.

use codelupe_core::HostedRepository;
use sqlx::FromRow;

use super::{HostedRow, MAX_RAW_BYTES};
use crate::error::{Error, ErrorKind};
use crate::rows::{storable, storable_size};

/// zstd's own default.
const ZSTD_LEVEL: i32 = 3;

/// The columns of a [`HostedRecord`].
pub(crate) const COLUMNS: &str = "forge, id, node_id, full_name, name_key, clone_url, description, homepage, topics, \
    license, language, languages, stars, forks, watchers, open_issues, size_kib, fork, parent, archived, disabled, mirror, \
    template, private, empty, default_branch, created_at, pushed_at, updated_at, raw, etag, first_seen, last_listed, \
    last_refreshed, checked_at, state, gone_at, score, opt_out";

/// One row.
#[derive(Debug, Clone, PartialEq, FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of the table")]
pub(crate) struct HostedRecord {
    pub(crate) forge: String,
    pub(crate) id: i64,
    pub(crate) node_id: Option<String>,
    pub(crate) full_name: String,
    pub(crate) name_key: String,
    pub(crate) clone_url: String,
    pub(crate) description: Option<String>,
    pub(crate) homepage: Option<String>,
    pub(crate) topics: String,
    pub(crate) license: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) languages: String,
    pub(crate) stars: Option<i64>,
    pub(crate) forks: Option<i64>,
    pub(crate) watchers: Option<i64>,
    pub(crate) open_issues: Option<i64>,
    pub(crate) size_kib: Option<i64>,
    pub(crate) fork: bool,
    pub(crate) parent: Option<i64>,
    pub(crate) archived: bool,
    pub(crate) disabled: bool,
    pub(crate) mirror: bool,
    pub(crate) template: bool,
    pub(crate) private: bool,
    pub(crate) empty: bool,
    pub(crate) default_branch: Option<String>,
    pub(crate) created_at: Option<i64>,
    pub(crate) pushed_at: Option<i64>,
    pub(crate) updated_at: Option<i64>,
    pub(crate) raw: Vec<u8>,
    pub(crate) etag: Option<String>,
    pub(crate) first_seen: i64,
    pub(crate) last_listed: Option<i64>,
    pub(crate) last_refreshed: Option<i64>,
    pub(crate) checked_at: i64,
    pub(crate) state: String,
    pub(crate) gone_at: Option<i64>,
    pub(crate) score: Option<f64>,
    pub(crate) opt_out: Option<String>,
}

/// A forge's number as the databases hold it: the same 64 bits.
pub(crate) const fn stored_id(id: u64) -> i64 {
    id.cast_signed()
}

/// What names are compared by: forges tell them apart no further than in lower case.
pub(crate) fn key_of(full_name: &str) -> String {
    storable(full_name).to_lowercase()
}

fn text(text: &str) -> String {
    storable(text).into_owned()
}

fn optional(value: Option<&String>) -> Option<String> {
    value.map(|value| text(value))
}

/// What a forge said earlier and its present listing leaves out: listings have no languages, parent or watchers, which looks
/// the same as a repository without any.
pub(crate) fn keep_untold(new: &mut HostedRepository, old: HostedRepository) {
    if new.languages.is_empty() {
        new.languages = old.languages;
    }
    if new.fork {
        new.parent = new.parent.or(old.parent);
    }
    new.node_id = new.node_id.take().or(old.node_id);
    new.watchers = new.watchers.or(old.watchers);
    new.open_issues = new.open_issues.or(old.open_issues);
    new.default_branch = new.default_branch.take().or(old.default_branch);
    if new.raw.is_empty() {
        new.raw = old.raw;
    }
}

impl HostedRecord {
    /// A row for what a forge says now.
    ///
    /// # Errors
    /// `Io` when the raw answer cannot be compressed.
    pub(crate) fn new(repository: &HostedRepository, now: i64) -> Result<Self, Error> {
        let raw = if repository.raw.len() > MAX_RAW_BYTES {
            ""
        } else {
            &repository.raw
        };
        let raw = zstd::bulk::compress(raw.as_bytes(), ZSTD_LEVEL)
            .map_err(|error| Error::new(ErrorKind::Io, "cannot compress a forge's answer").with_source(error))?;
        Ok(Self {
            forge: text(&repository.forge),
            id: stored_id(repository.id),
            node_id: optional(repository.node_id.as_ref()),
            full_name: text(&repository.full_name),
            name_key: key_of(&repository.full_name),
            clone_url: text(&repository.clone_url),
            description: optional(repository.description.as_ref()),
            homepage: optional(repository.homepage.as_ref()),
            topics: serde_json::json!(repository.topics).to_string(),
            license: optional(repository.license.as_ref()),
            language: optional(repository.language.as_ref()),
            languages: serde_json::json!(repository.languages).to_string(),
            stars: repository.stars.map(storable_size),
            forks: repository.forks.map(storable_size),
            watchers: repository.watchers.map(storable_size),
            open_issues: repository.open_issues.map(storable_size),
            size_kib: repository.size_kib.map(storable_size),
            fork: repository.fork,
            parent: repository.parent.map(stored_id),
            archived: repository.archived,
            disabled: repository.disabled,
            mirror: repository.mirror,
            template: repository.template,
            private: repository.private,
            empty: repository.empty,
            default_branch: optional(repository.default_branch.as_ref()),
            created_at: repository.created_at,
            pushed_at: repository.pushed_at,
            updated_at: repository.updated_at,
            raw,
            etag: None,
            first_seen: now,
            last_listed: None,
            last_refreshed: None,
            checked_at: now,
            state: super::HostedState::Listed.as_str().to_owned(),
            gone_at: None,
            score: None,
            opt_out: None,
        })
    }

    /// The forge's description.
    ///
    /// # Errors
    /// `Corrupt` when the row was not written by this program.
    pub(crate) fn repository(&self) -> Result<HostedRepository, Error> {
        let raw = zstd::bulk::decompress(&self.raw, MAX_RAW_BYTES).map_err(|error| self.corrupt("raw", error))?;
        let count = |value: Option<i64>| value.map(|value| u64::try_from(value).unwrap_or(0));
        Ok(HostedRepository {
            forge: self.forge.clone(),
            id: self.id.cast_unsigned(),
            node_id: self.node_id.clone(),
            full_name: self.full_name.clone(),
            clone_url: self.clone_url.clone(),
            description: self.description.clone(),
            homepage: self.homepage.clone(),
            topics: serde_json::from_str(&self.topics).map_err(|error| self.corrupt("topics", error))?,
            license: self.license.clone(),
            language: self.language.clone(),
            languages: serde_json::from_str(&self.languages).map_err(|error| self.corrupt("languages", error))?,
            stars: count(self.stars),
            forks: count(self.forks),
            watchers: count(self.watchers),
            open_issues: count(self.open_issues),
            size_kib: count(self.size_kib),
            fork: self.fork,
            parent: self.parent.map(i64::cast_unsigned),
            archived: self.archived,
            disabled: self.disabled,
            mirror: self.mirror,
            template: self.template,
            private: self.private,
            empty: self.empty,
            default_branch: self.default_branch.clone(),
            created_at: self.created_at,
            pushed_at: self.pushed_at,
            updated_at: self.updated_at,
            raw: String::from_utf8(raw).map_err(|error| self.corrupt("raw", error))?,
        })
    }

    /// The row as others see it.
    ///
    /// # Errors
    /// `Corrupt` when the row was not written by this program.
    pub(crate) fn into_row(self) -> Result<HostedRow, Error> {
        Ok(HostedRow {
            repository: self.repository()?,
            state: self.state.parse().map_err(|error| self.corrupt("state", error))?,
            etag: self.etag,
            first_seen: self.first_seen,
            last_listed: self.last_listed,
            last_refreshed: self.last_refreshed,
            checked_at: self.checked_at,
            gone_at: self.gone_at,
            score: self.score,
            opt_out: self.opt_out,
        })
    }

    /// Whether the forge says the same in both; its raw answer may differ.
    pub(crate) fn describes_as(&self, other: &Self) -> bool {
        let same_raw = Self {
            raw: other.raw.clone(),
            etag: other.etag.clone(),
            first_seen: other.first_seen,
            last_listed: other.last_listed,
            last_refreshed: other.last_refreshed,
            checked_at: other.checked_at,
            score: other.score,
            opt_out: other.opt_out.clone(),
            ..self.clone()
        };
        same_raw == *other
    }

    fn corrupt(&self, column: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        let context = format!(
            "column `{column}` of repository {} of a forge is damaged",
            self.id.cast_unsigned()
        );
        Error::new(ErrorKind::Corrupt, context).with_source(error)
    }
}
