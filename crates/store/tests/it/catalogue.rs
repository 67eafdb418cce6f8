//! What a catalogue does, on both databases.

mod builds;
mod claim;
mod clusters;
mod contents;
mod crawls;
mod duplicates;
mod errors;
mod fence;
mod figures;
mod hosted;
mod hostile;
mod repositories;
mod same;
mod writers;
