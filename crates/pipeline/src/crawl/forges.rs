//! The forges that queries are for, and who asks them.

use std::collections::{BTreeMap, HashMap};

use codelupe_forge::{Budget, HttpSettings, Lister, Pace, Query, Site, Token};

use super::{HostedForge, HostedQuery};
use crate::config::{Config, ForgeSettings};
use crate::error::Error;

/// Forges by host. All queries of one forge share one identity and its budget.
pub struct Forges {
    settings: BTreeMap<String, ForgeSettings>,
    http: HttpSettings,
    tokens: Vec<Token>,
    listers: HashMap<String, Lister>,
}

impl Forges {
    /// The forges of the settings, and those that everybody knows.
    pub fn new(config: &Config, tokens: &[Token]) -> Self {
        Self {
            settings: config.forges.clone(),
            http: config.http.clone(),
            tokens: tokens.to_vec(),
            listers: HashMap::new(),
        }
    }

    /// A query, with who asks it.
    ///
    /// # Errors
    /// `Source` when a setting of its forge is not usable.
    pub fn ask(&mut self, query: &Query) -> Result<HostedQuery, Error> {
        HostedQuery::new(self.lister(query)?, query.clone())
    }

    /// The forge of a query, with who asks it.
    ///
    /// # Errors
    /// `Source` when a setting of the forge is not usable.
    pub fn forge_of(&mut self, query: &Query) -> Result<HostedForge, Error> {
        Ok(HostedForge::new(self.lister(query)?))
    }

    fn lister(&mut self, query: &Query) -> Result<Lister, Error> {
        if let Some(lister) = self.listers.get(query.host()) {
            return Ok(lister.clone());
        }
        let lister = self.new_lister(query)?;
        self.listers.insert(query.host().to_owned(), lister.clone());
        Ok(lister)
    }

    fn new_lister(&self, query: &Query) -> Result<Lister, Error> {
        let mut named = None;
        for settings in self.settings.values() {
            let site = Site::new(settings.kind, &settings.url)?;
            if site.host() == query.host() {
                named = Some((site, settings.pace));
            }
        }
        let (site, pace) = match named {
            Some(named) => named,
            None => (
                Site::new(query.kind(), &format!("https://{}", query.host()))?,
                Pace::default(),
            ),
        };
        let token = self.tokens.iter().find(|token| token.is_for(&site.api())).cloned();
        let budget = Budget::new(&site, token.is_some(), pace);
        Ok(Lister::new(site, token, &self.http, budget)?)
    }
}
