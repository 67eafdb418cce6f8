//! What a catalogue does, on both databases.

mod builds;
mod clusters;
mod contents;
mod crawls;
mod duplicates;
mod errors;
mod fence;
mod figures;
mod hosted;
mod hostile;
mod identity;
mod repositories;
mod same;
mod writers;
