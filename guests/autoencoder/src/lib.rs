//! The plug-in `autoencoder`: rows that a network trained on normal rows cannot copy.
//!
//! The network squeezes a row through a hidden layer that is narrower than the row and has to
//! restore it from there. It learns the ways in which normal rows vary and can copy no others. A
//! row's score is the mean over the columns of the squared error, in squared standard deviations: 1
//! is as bad as answering with the columns' means.
//!
//! Use it like `pca-t2q`, without labels, where columns depend on each other in bends rather than
//! straight lines and there are thousands of rows; `pca-t2q` is quicker, exact and often as good.
//! It measures the columns' scales in its first training, so any units will do, and federates by
//! plain averaging, from weights that are the same at the start on every node.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `hidden` | 0 | 0 to 1024 | units of the hidden layer; 0: half as many as columns |
//! | `learning_rate` | 0.005 | 1e-6 to 1 | about how far a step of Adam's moves a weight |
//! | `batch_size` | 32 | 1 to 65536 | rows of a mini-batch |
//! | `normal_only` | true | | rows labelled anomalous are not learnt from |
//!
//! Missing and infinite values count as their column's mean; a column that did not vary in the
//! first training is silent. Take a threshold from scores of normal rows.
//!
//! Papers: Hinton, Salakhutdinov, "Reducing the dimensionality of data with neural networks",
//! Science 2006; Sakurada, Yairi, "Anomaly detection using autoencoders with nonlinear
//! dimensionality reduction", MLSDA 2014; Kingma, Ba, "Adam: a method for stochastic optimization",
//! ICLR 2015.
//!
//! The algorithm is in [`autoencoder`]; this file only makes a component of it.

pub mod autoencoder;
pub mod network;

pub use autoencoder::Autoencoder;

#[cfg(target_family = "wasm")]
fedhost_guest::export_model!(Autoencoder);
