//! The loss of a model that is not in training.

use crate::adapter::{Adapter, source};
use crate::batch::Batch;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::graph::network::Network;
use crate::graph::pass::{self, Loss, Scratch};
use crate::model::Model;
use crate::ops::Cpu;

/// The loss of each sample of a batch, in the order of [`Batch::samples`].
///
/// # Errors
/// [`ErrorKind::Invalid`] for a batch that the model cannot read; [`ErrorKind::Mismatch`] for an adapter of another base.
pub fn evaluate(model: &Model, adapter: Option<&Adapter>, batch: &Batch) -> Result<Vec<Loss>> {
    batch.check(model.config())?;
    let network = Network::assemble(source(model, adapter)?)?;
    Ok(pass::evaluate(&Cpu, &mut Scratch::default(), &network, batch))
}
