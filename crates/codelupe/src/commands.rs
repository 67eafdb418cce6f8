//! One module a command.

pub(crate) mod config;
pub(crate) mod crawl;
pub(crate) mod db;
pub(crate) mod dedup;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod errors;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod jobs;
pub(crate) mod models;
pub(crate) mod repos;
pub(crate) mod run;
pub(crate) mod samples;
pub(crate) mod search;
pub(crate) mod signatures;
pub(crate) mod similar;
pub(crate) mod stages;
pub(crate) mod stats;
pub(crate) mod train;
pub(crate) mod worker;
